"""What the reasons of enrolment mean and what to do, for people to read."""

#: Reason -> sentences. Reasons of the photo's file have none here: its format's check says more.
_TEXTS = {
    "face_not_found": "The photo shows no face. Send one that does, larger or brighter.",
    "multiple_faces": "The photo shows several faces. Cut the person's out, or say which counts:"
    " `face` is `largest` or `center`.",
    "face_too_small": "The face is too small. Send a larger one.",
    "low_quality": "The face is hard to recognise. Send a sharper, better lit one.",
    "blurred": "The face is blurred.",
    "too_dark": "The face is too dark.",
    "too_bright": "The face is too bright.",
    "extreme_pose": "The head is turned too far. Send one that looks into the camera.",
    "not_upright": "The face lies on its side or stands on its head. Turn the photo and send it"
    " again.",
    "at_edge": "The face reaches past the photo's edge.",
    "spoof_suspected": "It looks like a picture of a person, not a person.",
    "liveness_uncertain": "Whether a person is before the camera can't be told from it.",
    "liveness_not_judged": "Whether a person is before the camera could not be judged here.",
    "manipulated_suspected": "The face looks manipulated.",
    "authenticity_uncertain": "Whether the face was manipulated can't be told from it.",
    "authenticity_not_judged": "Whether the face was manipulated could not be judged here.",
    "another_person": "The face is unlike the person's others. Is it somebody else's?",
    "identity_similarity_conflict": "The face is nearer to another person of the collection. Is it"
    " theirs, or are both one person? Then merge them.",
    "similarity_not_checked": "Whether it is another person's can't be told: no thresholds were"
    " measured for the model.",
    "person_full": "The person has as many faces as the collection allows. Delete one.",
    "image_lost": "The photo is no longer stored. Send it again.",
    "inference_failed": "A model could not be run on the photo; it has been logged.",
}


def text_of(reason: str) -> str:
    """A reason in words; itself where there are none."""
    return _TEXTS.get(reason, f"The photo was refused: {reason}.")
