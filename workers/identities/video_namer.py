"""Who the people of a video are; see workers.videos.naming."""

from collections.abc import Mapping

from models.deepfake.video import Sighting
from workers.contract import IdentifyOptions
from workers.gates import track_reasons
from workers.identities.contracts import model_name
from workers.identities.store import CollectionStore
from workers.identities.track_votes import TrackVotes
from workers.naming import Named, Namer, NamingOrder


class CollectionTrackNamer:
    """See workers.videos.naming.TrackNamer.

    Args:
        namer: Names single faces.
        options: What is asked.
        model: Name of the collection's recognition model; None: the default one.
    """

    def __init__(self, namer: Namer, options: IdentifyOptions, model: str | None) -> None:
        self._namer = namer
        self._options = options
        self._votes = TrackVotes()
        self.model = model

    def add(self, sighting: Sighting) -> None:
        """See TrackNamer."""
        self._votes.add(sighting)

    def name(self, verdicts: Mapping[int, str], *, cause: str) -> Named:
        """See TrackNamer."""
        faces = [
            self._votes.face(track, refusals=track_reasons(self._options.require, verdict))
            for track, verdict in verdicts.items()
        ]
        order = NamingOrder(options=self._options, faces=faces, cause=cause)
        [found] = self._namer.name([order])
        if isinstance(found, Named):
            return found
        raise found


class CollectionVideoNamer:
    """See workers.videos.naming.VideoNamer.

    Args:
        collections: Where a collection's model is known.
        namer: Names single faces.
    """

    def __init__(self, collections: CollectionStore, namer: Namer) -> None:
        self._collections = collections
        self._namer = namer

    def begin(self, options: IdentifyOptions) -> CollectionTrackNamer:
        """See VideoNamer."""
        model = model_name(self._collections.by_uid(options.collection))
        return CollectionTrackNamer(self._namer, options, model)
