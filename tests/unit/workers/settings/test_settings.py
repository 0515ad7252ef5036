"""Settings are read once, frozen, and wrong ones are refused by name."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.contract import Analysis
from workers.errors import SettingsError
from workers.settings.process import Settings, environment_of, load_settings


def test_without_variables_every_setting_has_its_default() -> None:
    assert load_settings({"PATH": "/bin"}) == Settings()


def test_variables_are_read_by_name_and_type(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "FACESOCIAL_PORT": "9000",
            "FACESOCIAL_DATA_DIR": str(tmp_path),
            "FACESOCIAL_JOB_LEASE_SECONDS": "2.5",
        }
    )

    assert (settings.port, settings.data_dir, settings.job_lease_seconds) == (9000, tmp_path, 2.5)
    assert settings.weights_path == tmp_path / "weights"


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(SettingsError, match=r"FACESOCIAL_PROT .*FACESOCIAL_PORT\?"):
        load_settings({"FACESOCIAL_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACESOCIAL_PORT", "many"),
        ("FACESOCIAL_PORT", "70000"),
        ("FACESOCIAL_DEVICE", "gpu"),
        ("FACESOCIAL_LOG_LEVEL", "loud"),
        ("FACESOCIAL_JOB_LEASE_SECONDS", "nan"),
        ("FACESOCIAL_REDIS_TIMEOUT_SECONDS", "0"),
        ("FACESOCIAL_MODEL_IDLE_SECONDS", "inf"),
        ("FACESOCIAL_MODEL_IDLE_OVERRIDES", "sface=inf"),
        ("FACESOCIAL_VRAM_CRITICAL_SHARE", "1e18"),
    ],
)
def test_a_wrong_value_is_refused_by_the_variable_s_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(name)):
        load_settings({name: value})


def test_one_share_of_a_device_s_memory_may_be_nothing_but_not_all() -> None:
    given = {"FACESOCIAL_VRAM_FLEXIBLE_SHARE": "0", "FACESOCIAL_VRAM_CRITICAL_SHARE": "0"}

    assert load_settings(given).vram_flexible_share == 0

    with pytest.raises(SettingsError, match="VRAM_FLEXIBLE_SHARE"):
        load_settings({**given, "FACESOCIAL_VRAM_HIGH_SHARE": "0"})


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"FACESOCIAL_PORT": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(load_settings({"FACESOCIAL_REDIS_URL": "redis://:hunter2@h"}))


def test_a_toml_file_is_read_and_variables_win(tmp_path: Path) -> None:
    path = tmp_path / "facesocial.toml"
    path.write_text('port = 9000\nlog_level = "debug"\n')

    settings = load_settings({"FACESOCIAL_CONFIG": str(path), "FACESOCIAL_PORT": "9001"})

    assert (settings.port, settings.log_level) == (9001, "debug")


@pytest.mark.parametrize(
    ("text", "named"), [("prot = 1", "prot"), ("port = 'x'", "port"), ("port =", "CONFIG")]
)
def test_a_wrong_toml_file_is_refused_by_its_path(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "facesocial.toml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=named) as caught:
        load_settings({"FACESOCIAL_CONFIG": str(path)})

    assert str(path) in str(caught.value)


def test_a_missing_toml_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="/nowhere"):
        load_settings({"FACESOCIAL_CONFIG": "/nowhere/facesocial.toml"})


def test_secrets_are_files_named_like_settings(tmp_path: Path) -> None:
    (tmp_path / "redis_url").write_text("redis://:secret@store:6379/0\n")

    settings = load_settings({"FACESOCIAL_SECRETS_DIR": str(tmp_path)})

    assert settings.redis_url.get_secret_value() == "redis://:secret@store:6379/0"


def test_an_unknown_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "redis_uri").write_text("x")

    with pytest.raises(SettingsError, match="redis_uri"):
        load_settings({"FACESOCIAL_SECRETS_DIR": str(tmp_path)})


def test_settings_can_t_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_a_child_s_environment_is_read_back_as_the_same_settings(tmp_path: Path) -> None:
    environment = environment_of(port=0, data_dir=tmp_path, device="sim:700")

    assert load_settings(environment) == Settings(port=0, data_dir=tmp_path, device="sim:700")


@pytest.mark.parametrize("names", [(), ("deepfake",), ("deepfake", "demographics")])
def test_a_child_is_handed_names_as_it_reads_them(names: tuple[Analysis, ...]) -> None:
    environment = environment_of(disabled_analyses=names)

    assert load_settings(environment).disabled_analyses == names


def test_a_child_s_environment_takes_known_names_only() -> None:
    with pytest.raises(SettingsError, match="prot"):
        environment_of(prot=1)


def test_a_blob_folder_with_odd_letters_is_a_valid_url(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a b%ä")

    assert settings.blob_location.startswith("file:///")
    assert " " not in settings.blob_location


@pytest.mark.parametrize("name", ["FACESOCIAL_HOST", "FACESOCIAL_DATA_DIR"])
def test_an_empty_value_is_refused(name: str) -> None:
    # An empty address would mean all of them, an empty folder the current one.
    with pytest.raises(SettingsError, match=f"{name} is empty"):
        load_settings({name: ""})
