"""What the endpoints of known people take with photos."""

from api.identities.bodies import EnrolledPersonBody
from api.identities.searching import EmbeddingMembers
from api.inputs.forms import Form, Slot
from api.inputs.naming import CollectionMembers
from workers.contract import AnalyzeOptions
from workers.jobs.options import EnrollOptions, VerifyOptions

#: Photos of one person in one request.
MOST_PHOTOS = 20
#: What the address and the credential say.
_OF_ADDRESS = ("collection", "collection_id", "person", "by", "credential_id")

IDENTIFY = Form(
    kind="analyze",
    model=AnalyzeOptions,
    # None where embeddings are sent instead.
    slots=(Slot(name="image", fewest=0),),
    implied={"identify": None},
    defaults={"analyses": ("detection", "recognition")},
    aliases={"confidence_threshold": "min_confidence", "detection_engine": "engine"},
    naming=CollectionMembers,
    further=EmbeddingMembers,
)
ENROLL = Form(
    kind="enroll",
    model=EnrollOptions,
    slots=(Slot(name="images", aliases=("images[]", "image"), most=MOST_PHOTOS),),
    implied=dict.fromkeys((*_OF_ADDRESS, "names", "digests"), ""),
    further=EnrolledPersonBody,
)
VERIFY = Form(
    kind="verify",
    model=VerifyOptions,
    slots=(Slot(name="image"),),
    implied=dict.fromkeys(_OF_ADDRESS, ""),
)
