"""Where the checkout lies, and what tests read of it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
SUPPORT = ROOT / "tests" / "support"  # the modules that tests share, as a program of its own finds them
