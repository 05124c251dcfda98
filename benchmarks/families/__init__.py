"""The rows, one file per family; importing this package registers all of them, in order."""
from importlib import import_module

for _family in ("dispatch", "elementwise", "rows", "reductions", "networks", "recurrent", "models",
                "optimizers", "loops", "start"):
    import_module(f"benchmarks.families.{_family}")
