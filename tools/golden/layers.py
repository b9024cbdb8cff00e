"""Writes the golden files of the float layers from PyTorch.

Needs Python 3.11 or later with torch and numpy (CPU builds do):

    python tools/golden/layers.py

The files go to Tests/TrainingTests/Fixtures/layers. Each is JSON: a network in the form of
a checkpoint's header, and tensors as {"shape": [...], "values": "base64 of little-endian float32"}, in the
layouts of this project (activations NHWC, filters [outC, kH, kW, inC]).
"""

import base64
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/TrainingTests/Fixtures/layers"


def tensor(value):
    """A PyTorch tensor in this project's layout: channels last where there are four dimensions."""
    value = value.detach()
    if value.dim() == 4:
        value = value.permute(0, 2, 3, 1)
    array = numpy.ascontiguousarray(value.numpy().astype("<f4"))
    return {"shape": list(array.shape), "values": base64.b64encode(array.tobytes()).decode()}


def write(name, content):
    path = FIXTURES / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def pad(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


class Graph:
    """The layers of one network, each as our description and as a PyTorch function."""

    def __init__(self):
        self.layers, self.functions, self.parameters, self.statistics = [], [], {}, {}

    def add(self, name, kind, inputs, function, **fields):
        self.layers.append({"name": name, "kind": kind, "inputs": inputs, **fields})
        self.functions.append((name, inputs, function))

    def weight(self, name, *shape, scale=0.3, offset=0.0):
        value = (torch.randn(shape) * scale + offset).requires_grad_()
        self.parameters[name] = value
        return value

    def convolution(self, name, source, inputs, outputs, size, stride=1, padding=(0, 0, 0, 0),
                    groups=1, bias=True):
        height, width = size
        weight = self.weight(f"{name}.weight", outputs, inputs // groups, height, width)
        shift = self.weight(f"{name}.bias", outputs) if bias else None
        self.add(name, "convolution", [source],
                 lambda x: F.conv2d(pad(x, padding), weight, shift, stride, groups=groups),
                 outputs=outputs, kernel=[height, width], stride=stride, padding=list(padding),
                 groups=groups, bias=bias)

    def norm(self, name, source, channels):
        weight = self.weight(f"{name}.weight", channels, offset=1)
        bias = self.weight(f"{name}.bias", channels)
        mean, variance = torch.randn(channels) * 0.2, torch.rand(channels) + 0.5
        self.statistics[f"{name}.running_mean"] = mean
        self.statistics[f"{name}.running_var"] = variance
        self.add(name, "batch_norm", [source],
                 lambda x: F.batch_norm(x, mean, variance, weight, bias, self.training, 0.1, 1e-5),
                 epsilon=1e-5)

    def relu(self, name, source, six=False):
        self.add(name, "relu6" if six else "relu", [source], F.relu6 if six else F.relu)

    def max_pool(self, name, source, kernel, stride, padding=(0, 0, 0, 0)):
        self.add(name, "max_pool", [source],
                 lambda x: F.max_pool2d(pad(x, padding, -torch.inf), kernel, stride),
                 kernel=kernel, stride=stride, padding=list(padding), counts_padding=True)

    def average_pool(self, name, source, kernel, stride, padding, counts):
        self.add(name, "average_pool", [source],
                 lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=counts),
                 kernel=kernel, stride=stride, padding=[padding] * 4, counts_padding=counts)

    def global_pool(self, name, source):
        self.add(name, "global_average_pool", [source], lambda x: x.mean((2, 3)))

    def linear(self, name, source, inputs, outputs, bias=True):
        weight = self.weight(f"{name}.weight", outputs, inputs)
        shift = self.weight(f"{name}.bias", outputs) if bias else None

        def function(x):
            if x.dim() == 4:  # our maps are flattened in H, W, C order
                x = x.permute(0, 2, 3, 1).flatten(1)
            return F.linear(x, weight, shift)
        self.add(name, "linear", [source], function, outputs=outputs, bias=bias)

    def sum(self, name, first, second):
        self.add(name, "add", [first, second], lambda a, b: a + b)

    def normalize(self, name, source):
        self.add(name, "l2_normalize", [source], lambda x: F.normalize(x, dim=1))

    def sobel(self, name, source):
        horizontal = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
        weight = torch.stack([horizontal, horizontal.T]).unsqueeze(1)
        self.add(name, "sobel", [source],
                 lambda x: F.conv2d(x.mean(1, keepdim=True), weight, padding=1))

    def run(self, x, training):
        self.training = training
        values = {"input": x}
        for name, inputs, function in self.functions:
            values[name] = function(*[values[i] for i in inputs])
        return values[self.layers[-1]["name"]]

    def tensors(self):
        return {name: tensor(value) for name, value in (self.parameters | self.statistics).items()}

    def network(self):
        return {"layers": self.layers, "feature": self.layers[-1]["name"]}


def one_pass(name, graph, x):
    """Evaluation, then one training pass with the gradients of Σ output · r for a random r."""
    content = {"network": graph.network(), "tensors": graph.tensors(), "input": tensor(x)}
    content["evaluation"] = tensor(graph.run(x, training=False))
    x = x.clone().requires_grad_()
    output = graph.run(x, training=True)
    direction = torch.randn(output.shape)
    output.backward(direction)
    content["output"] = tensor(output)
    content["outputGradient"] = tensor(direction)
    content["inputGradient"] = tensor(x.grad)
    content["gradients"] = {n: tensor(p.grad) for n, p in graph.parameters.items()}
    content["statistics"] = {n: tensor(s) for n, s in graph.statistics.items()}
    write(name, content)


def several_steps(name, graph, shape, classes, steps, rate, momentum, decay):
    """Cross-entropy and SGD for a few steps on fresh inputs, one label of each batch ignored."""
    optimizer = torch.optim.SGD(
        list(graph.parameters.values()), lr=rate, momentum=momentum, weight_decay=decay)
    content = {"network": graph.network(), "tensors": graph.tensors(), "learningRate": rate,
               "momentum": momentum, "weightDecay": decay, "steps": []}
    for _ in range(steps):
        x = torch.randn(shape)
        labels = torch.randint(0, classes, (shape[0],))
        labels[1] = -1
        loss = F.cross_entropy(graph.run(x, training=True), labels, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        content["steps"].append(
            {"input": tensor(x), "labels": labels.tolist(), "loss": loss.item()})
    content["final"] = graph.tensors()
    content["velocities"] = {
        n: tensor(optimizer.state[p]["momentum_buffer"]) for n, p in graph.parameters.items()}
    write(name, content)


def convolutions():
    cases = {
        "strided": dict(inputs=3, outputs=4, size=(3, 3), stride=2, padding=(1, 1, 1, 1)),
        "uneven": dict(inputs=3, outputs=5, size=(2, 3), stride=2, padding=(0, 2, 1, 1)),
        "grouped": dict(inputs=4, outputs=6, size=(3, 3), padding=(1, 1, 1, 1), groups=2),
        "depthwise": dict(inputs=5, outputs=5, size=(3, 3), stride=2, padding=(0, 1, 2, 0), groups=5),
        "multiplied": dict(inputs=3, outputs=6, size=(3, 3), padding=(1, 0, 1, 0), groups=3),
        "pointwise": dict(inputs=4, outputs=3, size=(1, 1), bias=False),
        "large": dict(inputs=2, outputs=3, size=(5, 5), stride=3, padding=(2, 2, 2, 2)),
    }
    for name, case in cases.items():
        graph = Graph()
        graph.convolution("conv", "input", **case)
        one_pass(f"convolution-{name}", graph, torch.randn(3, case["inputs"], 7, 6))


def small_layers():
    graph = Graph()
    graph.norm("norm", "input", 4)
    graph.relu("relu", "norm")
    one_pass("norm-relu", graph, torch.randn(3, 4, 5, 3) * 2 + 10)
    graph = Graph()
    graph.norm("norm", "input", 4)
    graph.relu("clamp", "norm", six=True)
    graph.linear("out", "clamp", 60, 3)
    one_pass("norm-relu6", graph, torch.randn(3, 4, 5, 3) * 5)
    graph = Graph()
    graph.max_pool("max", "input", 3, 2, (1, 0, 1, 1))
    graph.average_pool("counting", "max", 3, 2, 1, True)
    graph.average_pool("inside", "counting", 2, 1, 1, False)
    one_pass("pools", graph, torch.randn(2, 3, 9, 8))
    graph = Graph()
    graph.sobel("sobel", "input")
    one_pass("sobel", graph, torch.randn(2, 3, 5, 4))
    graph = Graph()  # the projection head of DeepCluster v2
    graph.linear("first", "input", 6, 8)
    graph.norm("norm", "first", 8)
    graph.relu("relu", "norm")
    graph.linear("second", "relu", 8, 4)
    graph.normalize("unit", "second")
    one_pass("projection", graph, torch.randn(5, 6))


def residual():
    """Everything a small residual network has, with a branch that is used twice."""
    graph = Graph()
    graph.convolution("conv1", "input", 3, 8, (3, 3), padding=(1, 1, 1, 1))
    graph.norm("norm1", "conv1", 8)
    graph.relu("relu1", "norm1")
    graph.max_pool("pool1", "relu1", 2, 2)
    graph.convolution("conv2", "pool1", 8, 8, (3, 3), padding=(1, 1, 1, 1), groups=2, bias=False)
    graph.norm("norm2", "conv2", 8)
    graph.sum("add", "norm2", "pool1")
    graph.relu("relu2", "add")
    graph.convolution("depthwise", "relu2", 8, 8, (3, 3), 2, (1, 1, 1, 1), groups=8)
    graph.norm("norm3", "depthwise", 8)
    graph.relu("relu3", "norm3", six=True)
    graph.average_pool("pool2", "relu3", 2, 1, 0, True)
    graph.linear("fc", "pool2", 8, 6)
    graph.relu("relu4", "fc")
    graph.linear("out", "relu4", 6, 5)
    return graph


def main():
    torch.manual_seed(1807)
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    convolutions()
    small_layers()
    several_steps("residual-steps", residual(), (6, 3, 8, 8), 5, steps=6,
                  rate=0.05, momentum=0.9, decay=1e-3)


if __name__ == "__main__":
    main()
