"""`kinimmune ingest`: published curves and tables of patients as tables of this package."""

import typer

from kinimmune.cli.commands.ingest_km import km
from kinimmune.cli.commands.ingest_patients import patients

ingest = typer.Typer(
    help="Make tables of published survival curves, or of a trial's own patients.",
    epilog="Example: kinimmune ingest km curve.csv --at-risk risk.csv --unit month",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ingest.command(
    "km",
    epilog="Example: kinimmune ingest km curve.csv --at-risk risk.csv --unit month --study my_trial --arm treated --endpoint os "
    "--source smith2019 --locator 'figure 2' -o curves.csv",
)(km)
ingest.command(
    "patients",
    epilog="Example: kinimmune ingest patients adtte.csv --map "
    "time=AVAL,event=CNSR:0,patient=USUBJID,arm=TRT01P,endpoint=PARAMCD "
    "--arms 'Drug A=treated,Placebo=control' --unit day --study my_trial --source my_data --locator adtte.csv -o patients.csv",
)(patients)
