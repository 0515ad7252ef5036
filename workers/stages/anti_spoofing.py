"""Live or spoof: which models vote, where they may run, and nothing live without them."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.ensemble import LivenessEnsemble, weights_among
from models.anti_spoofing.policy import CPU_REFUSED, CpuPolicy, allowed
from models.anti_spoofing.results import LivenessVerdict
from models.quality import assess
from models.results import DetectedFace, Image
from workers.answer import AntiSpoofingAnswer, AttackAnswer
from workers.choices import ENSEMBLE, candidates, ensemble_members
from workers.contract import AnalyzeOptions
from workers.residency import LoadedModel, Residency
from workers.stages.stage import AnalysisUnavailable, StageResult

#: What a quality check may find that forbids a verdict; size and sharpness the judge measures.
_FAULTS = frozenset({"extreme_pose", "too_dark", "too_bright"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Jury:
    """The models that vote on liveness."""

    ensemble: LivenessEnsemble
    models: Sequence[LoadedModel]

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
        self._juries: dict[str, Jury] = {}

    def run(
        self, image: Image, faces: Sequence[DetectedFace], options: AnalyzeOptions
    ) -> StageResult:
        """See Stage.run."""
        jury = self.jury(options.anti_spoofing_model)
        faults = [
            [reason for reason in assess(image, face).reasons if reason in _FAULTS]
            for face in faces
        ]
        answers = [
            liveness_answer(verdict, device=jury.device, policy=self._policy)
            for verdict in jury.ensemble.judge(image, faces, faults=faults)
        ]
        return StageResult(faces=answers, models=jury.models, whole={})

    def jury(self, name: str | None) -> Jury:
        """The models that judge for that name, or all that are installed.

        Raises:
            AnalysisUnavailable: none of them may run where it is loaded.
            WeightsMissing: none is installed.
            UnknownModel: there is no such model.
        """
        ids = self._ids(name)
        loaded = {model_id: self._residency.model(model_id) for model_id in ids}
        running = allowed(
            {model_id: model.device for model_id, model in loaded.items()}, self._policy
        )
        if not running:
            raise AnalysisUnavailable(
                CPU_REFUSED,
                "Anti-spoofing may not run on the CPU here, and no GPU has its models. Treat the"
                " face as not live.",
            )
        key = "+".join(running)
        if key not in self._juries:
            self._juries[key] = self._open([loaded[name] for name in running])
        return self._juries[key]

    def _ids(self, name: str | None) -> list[str]:
        """All installed voters, unless one model is asked for."""
        residency = self._residency
        if name not in {None, ENSEMBLE}:
            wanted = candidates(str(name), ("anti_spoofing",), residency.catalogue)
            return [residency.pick(wanted)]
        members = ensemble_members("anti_spoofing", residency.catalogue)
        residency.pick(members)
        return [member for member in members if member in residency.installed]

    def _open(self, models: Sequence[LoadedModel]) -> Jury:
        members = {model.network.spec.id: LivenessClassifier(model.network) for model in models}
        if len(members) == 1:
            weights = dict.fromkeys(members, 1.0)
        else:
            weights = weights_among(self._residency.catalogue.ensembles["anti_spoofing"], members)
        return Jury(ensemble=LivenessEnsemble(members, weights), models=models)


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
