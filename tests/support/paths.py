"""Where things lie in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
DATA = ROOT / "tests" / "data"
OWN_TRIAL = ROOT / "examples" / "own_trial"
OWN_MODEL = ROOT / "examples" / "own_model"
