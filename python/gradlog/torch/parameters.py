"""The weights that an optimizer updates: their names, their order, and what gradlog cannot record of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from gradlog import GradlogError

Model = torch.nn.Module | Mapping[str, torch.nn.Module] | Sequence[torch.nn.Module]

_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_OPTIMIZER_WRAPPERS = {"AcceleratedOptimizer", "LightningOptimizer", "_FabricOptimizer"}
_PARALLEL = (torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel)


class Names:
    """Names of a model's parameters, as the unwrapped model calls them, in the order in which it registers them."""

    def __init__(self, model: Model) -> None:
        self._modules = _named_modules(model)
        for _, module in self._modules:
            _refuse_sharding(module)
        self._read()

    def _read(self) -> None:
        self._name_of: dict[torch.Tensor, str] = {}
        for prefix, module in self._modules:
            for name, parameter in module.named_parameters():
                clean = without_wrappers(module, name)
                self._name_of.setdefault(parameter, f"{prefix}.{clean}" if prefix else clean)
        self._position_of = {parameter: index for index, parameter in enumerate(self._name_of)}

    def __contains__(self, parameter: torch.Tensor) -> bool:
        return parameter in self._name_of

    def name(self, parameter: torch.Tensor) -> str | None:
        """The name, or None for a parameter that the model does not have; a layer added later is found."""
        if parameter not in self._name_of:
            self._read()
        return self._name_of.get(parameter)

    def position(self, parameter: torch.Tensor) -> int:
        """The order of the parameter in the model; those that the model does not have come last."""
        return self._position_of.get(parameter, len(self._position_of))


class Weights:
    """The named weights of one optimizer, in the order of the model (groups may split them in any way)."""

    def __init__(self, names: Names, optimizer: torch.optim.Optimizer, label: str) -> None:
        self._names, self._optimizer, self._label = names, optimizer, label
        self._parameters: list[torch.Tensor] = []
        self._named: list[tuple[str, torch.Tensor]] = []
        if not any(parameter in names for group in optimizer.param_groups for parameter in group["params"]):
            raise GradlogError(
                f"the optimizer {type(optimizer).__name__} holds none of the model's parameters: it was built for "
                "another model, or before the model was moved or wrapped",
                "build it from this model's parameters()",
            )
        self._refuse_complex()

    def current(self) -> list[tuple[str, torch.Tensor]]:
        """Name and parameter of every weight, groups added meanwhile included."""
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        if len(parameters) != len(self._parameters) or any(map(_differ, parameters, self._parameters)):
            self._parameters, self._named = parameters, self._name_all()
        return self._named

    def _name_all(self) -> list[tuple[str, torch.Tensor]]:
        named = []
        for index, group in enumerate(self._optimizer.param_groups):
            given = group.get("param_names")
            for offset, parameter in enumerate(group["params"]):
                spare = given[offset] if given else f"group{index}.parameter{offset}"
                label = f"{self._label}." if self._label else ""
                named.append((self._names.name(parameter) or f"{label}{spare}", parameter))
        return sorted(named, key=lambda pair: self._names.position(pair[1]))

    def _refuse_complex(self) -> None:
        for name, parameter in self.current():
            if parameter.is_complex():
                raise GradlogError(
                    f"the weight '{name}' is {parameter.dtype}, and gradlog records real gradients",
                    "train it with an optimizer of its own, which is not recorded",
                )


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is not other


def without_wrappers(module: torch.nn.Module, name: str) -> str:
    """The parameter's name without what DistributedDataParallel, torch.compile and other wrappers put into it.

    ``module.`` is left out only below a wrapper of that kind, since a model may call a layer of its own so.
    """
    parts = []
    here: Any = module
    for part in name.split("."):
        wrapper = part in _WRAPPERS or (part == "module" and isinstance(here, _PARALLEL))
        if not wrapper:
            parts.append(part)
        here = getattr(here, part, None)
    return ".".join(parts)


def unwrapped(optimizer: Any) -> torch.optim.Optimizer:
    """The torch optimizer inside Accelerate's and Lightning's wrappers."""
    inner = optimizer
    for _ in range(5):
        if type(inner).__module__.startswith("deepspeed"):
            raise GradlogError(
                "DeepSpeed keeps the gradients in buffers of its own, which torch.optim never sees",
                "train with DDP or fully_shard (FSDP2) to record",
            )
        if not any(base.__name__ in _OPTIMIZER_WRAPPERS for base in type(inner).__mro__):
            break
        inner = getattr(inner, "_optimizer", None) or getattr(inner, "optimizer", None)
    if not isinstance(inner, torch.optim.Optimizer):
        raise GradlogError(
            f"the optimizer is a {type(optimizer).__name__}, which is no torch.optim.Optimizer and has no hooks",
            "pass the optimizer that holds the model's parameters",
        )
    return inner


def named_optimizers(optimizer: Any) -> dict[str, Any]:
    """Optimizers by the name under which they are recorded: empty for a single one, else the key, or class and index."""
    if isinstance(optimizer, Mapping):
        found = {str(name): one for name, one in optimizer.items()}
    elif isinstance(optimizer, (list, tuple)):
        single = len(optimizer) == 1
        found = {
            "" if single else f"{type(unwrapped(one)).__name__}_{i}": one for i, one in enumerate(optimizer)
        }
    else:
        found = {"": optimizer}
    if not found:
        raise GradlogError("no optimizer was given", "pass the one whose gradients are to be recorded")
    return found


def _named_modules(model: Model) -> list[tuple[str, torch.nn.Module]]:
    if isinstance(model, torch.nn.Module):
        return [("", model)]
    named: list[tuple[str, Any]] = []
    if isinstance(model, Mapping):
        named = [(str(name), module) for name, module in model.items()]
    elif isinstance(model, (list, tuple)):
        named = [(str(index), module) for index, module in enumerate(model)]
    if not named or not all(isinstance(module, torch.nn.Module) for _, module in named):
        raise GradlogError(
            "the model must be a torch.nn.Module, or a mapping or list of several, "
            f"not a {type(model).__name__}",
            "pass the model itself rather than model.parameters()",
        )
    return named


def _refuse_sharding(module: torch.nn.Module) -> None:
    for part in module.modules():
        if any(base.__name__ == "FullyShardedDataParallel" for base in type(part).__mro__):
            raise GradlogError(
                "the model is wrapped by FullyShardedDataParallel (FSDP1), which flattens the gradients of many "
                "weights into shards that cannot be taken apart",
                "use torch.distributed.fsdp.fully_shard (FSDP2)",
            )
