import sys
from pathlib import Path

# Workers find `executor_fakes` where the driver does.
sys.path.insert(0, str(Path(__file__).parent))
