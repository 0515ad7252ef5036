"""The environment of the processes a benchmark starts."""

import os
from collections.abc import Mapping

from workers.settings.process import PREFIX, Settings, environment_of


def child_environment(settings: Settings, own: Mapping[str, object]) -> dict[str, str]:
    """Our environment with the settings that shape the work, and none that name other places.

    A store, port or data folder somebody has set is left out: a benchmark must not touch them.

    Args:
        settings: Weights, thread count and image limit are taken from here.
        own: Settings of this child.
    """
    inherited = os.environ  # noqa: TID251 - handed to the child, not read
    return {
        **{name: value for name, value in inherited.items() if not name.startswith(PREFIX)},
        **environment_of(
            weights_dir=settings.weights_path.absolute(),
            ort_threads=settings.ort_threads,
            max_image_pixels=settings.max_image_pixels,
        ),
        **environment_of(**own),
    }
