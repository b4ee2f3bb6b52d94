"""The command `nasnet-search`: run, resume, restore, status, export, retrain,
rank, report, dashboard, latency-table, benchmark.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.
"""

from nasnet_keras.console.command_line import create_app, run_command
from search.cli import acting, comparing, driving, looking

COMMANDS = (
    driving.run,
    driving.resume,
    driving.restore,
    looking.status,
    acting.export,
    acting.retrain,
    acting.rank,
    looking.report,
    looking.dashboard,
    acting.latency_table,
    comparing.benchmark,
)

app = create_app("Searches for network architectures on images.")
for command in COMMANDS:
    app.command()(command)


def main() -> int:
    """Runs the command line; returns the exit code."""
    return run_command(app, "nasnet-search")
