"""`facesocial jobs`: what was submitted one by one."""

import json
from typing import Annotated

import typer

from cli.connection import GatewayUrl, connected
from cli.record_tables import jobs_table, show_table

app = typer.Typer(help="List, show, cancel and delete jobs.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Its id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    *,
    gateway: GatewayUrl = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: AsJson = False,
) -> None:
    """List one's jobs, newest first."""
    with connected(gateway) as client:
        jobs = client.jobs.list(state=state, tag=tag, limit=limit).items
    if as_json:
        print(json.dumps([job.model_dump(mode="json") for job in jobs], indent=2))
    else:
        show_table(jobs_table(jobs))


@app.command()
def show(job_id: JobId, *, gateway: GatewayUrl = None) -> None:
    """Print a job and its result as JSON."""
    with connected(gateway) as client:
        print(client.jobs.get(job_id).model_dump_json(indent=2))


@app.command()
def cancel(job_id: JobId, *, gateway: GatewayUrl = None) -> None:
    """Ask for a job's end."""
    with connected(gateway) as client:
        job = client.jobs.cancel(job_id)
    print(f"{job.id} {job.state}")


@app.command()
def delete(job_id: JobId, *, gateway: GatewayUrl = None) -> None:
    """Delete a job with its result."""
    with connected(gateway) as client:
        client.jobs.delete(job_id)
