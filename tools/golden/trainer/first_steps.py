"""Compares the first steps of a run of ours with PyTorch's.

    swift build -c release --package-path tools/golden/trainer
    tools/golden/trainer/.build/release/first-steps PICTURES.txt --steps 50 -o TRACE …
    python tools/golden/trainer/first_steps.py TRACE PICTURES.txt

first-steps keeps the state that our run saves after each step; PICTURES.txt lists the pictures, a
path a line. PyTorch draws the same weights, crops and order from the seed, decodes and varies the
pictures with Pillow, and is given our pseudo-labels at the start of each epoch. Prints one line of
JSON with the largest relative difference of a loss

- `run`: of two runs from the same weights on. Rounding grows with every step, so beside it:
- `float_and_double`: the same for PyTorch in single and in double precision;
- `steps`: of single steps, each from our weights before it; `labels` has the share of pictures for
  which PyTorch's clustering of what our weights give agrees, epoch by epoch, and `tensors` the
  largest difference of a tensor after a step, as a share of the tensor's largest value.

Needs Python 3.11 or later with torch, numpy, pillow, faiss-cpu and safetensors.
"""

import argparse
import json
import pathlib
import struct

import torch
from safetensors import safe_open

import chance
import deepcluster
import networks
import pictures


class State:
    """What a run saved after one of its steps."""

    def __init__(self, path):
        self.file = safe_open(path, "pt")
        metadata = self.file.metadata()
        self.epoch, self.step = int(metadata["epoch"]), int(metadata["step"])
        # The bits of a double, in hexadecimal digits.
        self.loss_sum = struct.unpack(">d", bytes.fromhex(metadata["loss_sum"].zfill(16)))[0]

    def group(self, prefix):
        prefix += "."
        return {name.removeprefix(prefix): self.file.get_tensor(name)
                for name in self.file.keys() if name.startswith(prefix)}

    def tensor(self, name):
        return self.file.get_tensor(name)


class Trace:
    """The states of a run's first steps, and what PyTorch makes of them."""

    def __init__(self, folder, list_of_pictures, initial):
        self.settings = deepcluster.read_settings(folder / "run")
        self.data = pictures.Pictures(pictures.listed(list_of_pictures), self.settings.size)
        states = [State(path) for path in folder.glob("state-*.safetensors")]
        self.states = sorted(
            (state for state in states if state.step > 0), key=lambda s: (s.epoch, s.step))
        self.initial = initial

    def recipe(self, precision):
        """PyTorch's recipe at the beginning of the run."""
        draw = networks.Network.draw
        if self.initial:
            networks.Network.draw = lambda *_: None
        recipe = deepcluster.recipe(
            self.settings, self.data, chance.Program(self.settings.seed), precision)
        networks.Network.draw = draw
        if self.initial:
            with safe_open(self.initial, "pt") as file:
                recipe.network.load({name: file.get_tensor(name) for name in file.keys()})
        recipe.prepare()
        return recipe

    def losses(self):
        """Ours, a number for each step."""
        values, before = [], 0.0
        for state, requests in zip(self.states, self.requests):
            before = 0.0 if state.step == 1 else before
            values.append((state.loss_sum - before) / len(requests))
            before = state.loss_sum
        return values

    def follow(self, precision, from_ours):
        """PyTorch's losses: of a run of its own, or of each step from our weights."""
        recipe = self.recipe(precision)
        self.requests, losses, labels, tensors, before = [], [], [], [], None
        for state in self.states:
            if from_ours and before:
                take_over(recipe, before)
            if state.step == 1:
                if from_ours and self.settings.recipe == "v2":
                    recipe.bank = torch.stack(
                        [state.tensor(f"bank.{view}") for view in range(recipe.views)])
                recipe.cluster(state.epoch)
                labels.append(adopt(recipe, state))
                plan = recipe.plan(state.epoch)
            if from_ours and state.step > 1 and self.settings.recipe == "v1":
                recipe.head.load_state_dict(before.group("head"))
            requests = plan[state.step - 1]
            self.requests.append(requests)
            losses.append(recipe.learn(
                recipe.batch(requests, state.epoch), requests, state.epoch, state.step - 1,
                len(plan)))
            tensors.append(farthest(recipe, state))
            before = state
        return losses, labels, tensors


def take_over(recipe, state):
    """Sets PyTorch's network and optimizer to where our run was."""
    with torch.no_grad():
        recipe.network.load(state.group("network"))
        momentum = state.group("momentum")
        for name, parameter in recipe.network.named_parameters():
            buffer = recipe.network.from_file(name, momentum[name])
            recipe.optimizer.state[parameter]["momentum_buffer"] = buffer.to(recipe.precision)


def adopt(recipe, state):
    """Gives PyTorch our pseudo-labels; returns the share that it had by itself."""
    if recipe.settings.recipe == "v1":
        ours = state.tensor("assignments").numpy()
        equal = float((recipe.assignments == ours).mean())
        recipe.assign(ours)
        return equal
    equal = []
    for number in range(len(recipe.targets)):
        ours = state.tensor(f"targets.{number}").long()
        equal.append((recipe.targets[number] == ours).double().mean().item())
        recipe.targets[number] = ours
        recipe.prototypes[number] = state.tensor(f"prototypes.{number}").to(recipe.precision)
    return min(equal)


def farthest(recipe, state):
    """The tensor that differs most from ours, and by which share of its largest value.

    A bias before a batch norm moves by its decay and by rounding alone: it is left out.
    """
    ours = state.group("network")
    apart = {
        name: ((value - ours[name]).abs().max() / ours[name].abs().max().clamp(min=1e-6)).item()
        for name, value in recipe.network.tensors().items()
        if not (name.startswith("conv") and name.endswith("bias")) and name != "head_hidden.bias"}
    name = max(apart, key=apart.get)
    return apart[name], name


def largest(found, expected):
    return max(abs(a - b) / abs(b) for a, b in zip(found, expected))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("--initial", help="a checkpoint with the starting weights, where drawing "
                        "them takes too long: that of our run with --epochs 0")
    options = parser.parse_args()
    torch.set_num_threads(1)

    trace = Trace(options.trace, options.pictures, options.initial)
    single, _, _ = trace.follow(torch.float32, from_ours=False)
    double, _, _ = trace.follow(torch.float64, from_ours=False)
    stepwise, labels, tensors = trace.follow(torch.float32, from_ours=True)
    ours, settings = trace.losses(), trace.settings
    print(json.dumps({
        "recipe": settings.recipe, "network": settings.network, "size": settings.size,
        "pictures": len(trace.data), "batch": settings.batch, "rate": settings.learning_rate,
        "count": len(ours), "first_loss": ours[0], "last_loss": ours[-1],
        "run": largest(ours, single), "run_and_double": largest(ours, double),
        "float_and_double": largest(single, double), "steps": largest(ours, stepwise),
        "tensors": max(tensors), "labels": labels,
    }))


if __name__ == "__main__":
    main()
