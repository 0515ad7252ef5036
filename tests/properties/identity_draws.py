"""What is drawn about known people."""

from typing import Any

from hypothesis import strategies as st

from tests.contract.identities.gallery import CONSENT

OWNERS = ("ada", "ben")
WHICH = st.integers(0, 1)
PEOPLE = st.sampled_from(["zoe", "yan", "xia", "wim"])
NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4)
#: Of a face: its own photo, or one that several have.
PHOTOS = st.sampled_from(["own", "own", "the same"])
DATA: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    name=st.sampled_from(["", "Zoë", "Yan"]),
    external_id=st.sampled_from(["", "", "hr-1", "hr-2"]),
    consent=st.sampled_from([None, CONSENT]),
)
#: What happens between reading and writing of a call: nothing, mostly.
OTHERS = ("delete", "merge", "add", "put", "delete face", "drop", "destroy", "change model")
MEANWHILE = st.sampled_from(["", "", "", "", "killed", *OTHERS, "come back"])
