"""Live or spoof: which models vote, where they may run, and nothing live without them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.ensemble import LivenessEnsemble, weights_among
from models.anti_spoofing.policy import CPU_REFUSED, CpuPolicy, allowed
from models.anti_spoofing.results import LivenessScores, LivenessVerdict
from models.quality import assess
from workers.answers.analysis import AntiSpoofingAnswer, AttackAnswer, ModelAnswer
from workers.choices import ENSEMBLE, candidates, ensemble_members
from workers.devices.residency import Residency
from workers.errors import ModelRefused
from workers.stages.chips import read_together
from workers.stages.stage import AnalysisUnavailable, Picture, StageResult
from workers.stages.used_model import model_answer

#: What a quality check may find that forbids a verdict; size and sharpness the judge measures.
_FAULTS = frozenset({"extreme_pose", "too_dark", "too_bright"})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Jury:
    """The models that vote on liveness, for as long as they are held."""

    ensemble: LivenessEnsemble
    members: Mapping[str, LivenessClassifier]
    models: Sequence[ModelAnswer]

    @property
    def device(self) -> str:
        """Where they run; several places with commas between."""
        return ", ".join(sorted({model.device for model in self.models}))


class AntiSpoofingStage:
    """Judges whether faces are live.

    Args:
        residency: The loaded models.
        cpu_policy: Whether the models may run on the CPU.
    """

    def __init__(self, residency: Residency, *, cpu_policy: CpuPolicy = "allow") -> None:
        self._residency = residency
        self._policy = cpu_policy

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """See Stage.run."""
        with self.jury(pictures[0].options.anti_spoofing_model) as jury:
            said = {
                name: read_together(pictures, member.chips, member.scores_of)
                for name, member in jury.members.items()
            }
        return [
            self._result(picture, jury, {name: each[number] for name, each in said.items()})
            for number, picture in enumerate(pictures)
        ]

    def _result(
        self, picture: Picture, jury: Jury, said: Mapping[str, Sequence[LivenessScores]]
    ) -> StageResult:
        faults = [
            [reason for reason in assess(picture.image, face).reasons if reason in _FAULTS]
            for face in picture.faces
        ]
        verdicts = jury.ensemble.judge_scores(picture.image, picture.faces, said, faults=faults)
        answers = [
            liveness_answer(verdict, device=jury.device, policy=self._policy)
            for verdict in verdicts
        ]
        return StageResult(faces=answers, models=jury.models, whole={})

    @contextmanager
    def jury(self, name: str | None) -> Iterator[Jury]:
        """The models that judge for that name, or all that are installed; held until left.

        Raises:
            AnalysisUnavailable: none of them may run where it can be had.
            WeightsMissing: none is installed.
            UnknownModel: there is no such model.
        """
        with ExitStack() as held:
            try:
                # Votes are weighed anew among those that can be had.
                voters = held.enter_context(self._residency.use(self._ids(name), some=True))
            except ModelRefused as error:
                raise _unavailable(str(error)) from None
            devices = {voter.network.spec.id: voter.device for voter in voters}
            running = allowed(devices, self._policy)
            if not running:
                raise _unavailable("No GPU has its models.")
            models = [voter for voter in voters if voter.network.spec.id in running]
            members = {model.network.spec.id: model.view(LivenessClassifier) for model in models}
            yield Jury(
                ensemble=LivenessEnsemble(members, self._weights(members)),
                members=members,
                models=[model_answer(model) for model in models],
            )

    def _ids(self, name: str | None) -> list[str]:
        """All installed voters, unless one model is asked for."""
        residency = self._residency
        if name not in {None, ENSEMBLE}:
            wanted = candidates(str(name), ("anti_spoofing",), residency.catalogue)
            return [residency.pick(wanted)]
        members = ensemble_members("anti_spoofing", residency.catalogue)
        residency.pick(members)
        return [member for member in members if member in residency.installed]

    def _weights(self, members: Collection[str]) -> dict[str, float]:
        if len(members) == 1:
            return dict.fromkeys(members, 1.0)
        return weights_among(self._residency.catalogue.ensembles["anti_spoofing"], members)


def _unavailable(why: str) -> AnalysisUnavailable:
    message = f"Anti-spoofing may not run on the CPU here. {why} Treat the face as not live."
    return AnalysisUnavailable(CPU_REFUSED, message)


def liveness_answer(
    verdict: LivenessVerdict, *, device: str, policy: CpuPolicy
) -> AntiSpoofingAnswer:
    """A verdict on one face as users see it."""
    attack = verdict.attack
    return AntiSpoofingAnswer(
        outcome=verdict.outcome,
        score=round(verdict.score, 4),
        threshold=verdict.threshold,
        reasons=verdict.reasons,
        models={name: round(share, 4) for name, share in verdict.by_model.items()},
        attack=AttackAnswer(
            print=None if attack.print is None else round(attack.print, 4),
            replay=None if attack.replay is None else round(attack.replay, 4),
            missing=attack.reason,
        ),
        device=device,
        cpu_policy=policy,
    )
