"""The tests of gradlog.keras on one backend; ``test_keras.py`` runs them on each."""

import os

import pytest

BACKEND = os.environ.get("GRADLOG_TEST_KERAS")

if BACKEND is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import keras

    @pytest.fixture(autouse=True)
    def seeded():
        keras.utils.set_random_seed(7)
        yield
        keras.config.set_dtype_policy("float32")

    @pytest.fixture
    def path(tmp_path):
        return tmp_path / "runs.db"
