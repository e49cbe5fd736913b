"""`kinimmune list`: the models, and the trials the tables describe."""

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json, print_table


def list_models(
    data: options.Data = None,
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List models with what they can be tried and fitted with, and studies with their arms."""
    from kinimmune.cli.printing.abilities import describe_abilities, print_abilities
    from kinimmune.models.catalogue import load_model, model_names
    from kinimmune.models.tables.readers import read_model_names, read_trials
    from kinimmune.models.tables.rows import Tables

    tables = Tables(data)
    in_use = read_model_names(tables)
    models = [load_model(name, tables) for name in model_names() if name in in_use]
    trials = read_trials(tables)
    left_out = [name for name in model_names() if name not in in_use]
    if left_out:
        Notes(quiet).say(f"note: parameters.csv has no rows for {', '.join(left_out)}; left out")
    abilities = {item.name: describe_abilities(item, tables) for item in models}
    if as_json:
        print_json(
            {
                "schema": "kinimmune.list/1",
                "models": [
                    {"name": item.name, "title": item.title, "states": len(item.states), "parameters": len(item.parameters)}
                    | abilities[item.name]
                    for item in models
                ],
                "trials": [
                    {"study": trial.study, "title": trial.title, "arms": {arm.name: arm.n for arm in trial.arms}}
                    for trial in trials
                ],
            }
        )
        return
    rows = [(item.name, str(len(item.states)), str(len(item.parameters)), item.title) for item in models]
    print_table("Models", ("name", "states", "parameters", "title"), rows, ("states", "parameters"))
    print_abilities(abilities)
    arms = [(trial.study, ", ".join(f"{arm.name} ({arm.n})" for arm in trial.arms), trial.title) for trial in trials]
    print_table("Trials", ("study", "arms (patients)", "title"), arms)
