"""PyTorch's step or feature pass, timed when told, with the lines of `train-bench`."""

import argparse
import json
import sys
import time

import torch
import torchvision
from torch import nn


def block(inputs, outputs, kernel, stride=1, padding=0, bias=True):
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias),
            nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def small():
    layers, channels = [], 3
    for outputs in [32, 64, 128, 256]:
        layers += block(channels, outputs, 3, padding=1, bias=False)
        layers += [nn.MaxPool2d(2)] if outputs < 256 else []
        channels = outputs
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()], 256


def alexnet():
    return [
        *block(3, 96, 11, 4, 2), nn.MaxPool2d(3, 2), *block(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
        *block(256, 384, 3, 1, 1), *block(384, 384, 3, 1, 1), *block(384, 256, 3, 1, 1),
        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout(), nn.Linear(9216, 4096),
        nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 4096)], 4096


def vgg16():
    layers, channels = [], 3
    for count, outputs in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(count):
            layers += block(channels, outputs, 3, padding=1)
            channels = outputs
        layers.append(nn.MaxPool2d(2, 2))
    return [*layers, nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096)], 4096


def resnet(network):
    width, network.fc = network.fc.in_features, nn.Identity()
    return [network], width


def resnet18():
    return resnet(torchvision.models.resnet18())


def resnet50():
    return resnet(torchvision.models.resnet50())


class Residual(nn.Sequential):
    """The layers' output and its input, added."""

    def forward(self, x):
        return super().forward(x) + x


def lite(inputs, outputs, kernel, stride=1, groups=1, is_active=True):
    """TensorFlow pads a stride of 2 at one side alone; the sizes and the work are the same."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3), *([nn.ReLU6(inplace=True)] if is_active else [])]


def efficientnet_lite0():
    layers, channels = lite(3, 32, 3, 2), 32
    for count, kernel, stride, expansion, outputs in [
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
            (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]:
        for index in range(count):
            width = channels * expansion
            inside = [
                *(lite(channels, width, 1) if expansion > 1 else []),
                *lite(width, width, kernel, 1 if index else stride, width),
                *lite(width, outputs, 1, is_active=False)]
            layers.append(Residual(*inside) if index else nn.Sequential(*inside))
            channels = outputs
    layers += lite(channels, 1280, 1)
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()], 1280


NETWORKS = {
    "small": small, "alexnet": alexnet, "vgg16": vgg16, "resnet18": resnet18,
    "resnet50": resnet50, "efficientnet-lite0": efficientnet_lite0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--features", action="store_true")
    parser.add_argument("--layout", choices=["contiguous", "channels-last"], required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    layers, width = NETWORKS[options.network]()
    if not options.features:
        if options.network in ["alexnet", "vgg16"]:
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Linear(width, 1000))
    network = nn.Sequential(*layers)
    side = 32 if options.network == "small" else 224
    pictures = torch.randn(options.batch, 3, side, side)
    if options.layout == "channels-last":
        network = network.to(memory_format=torch.channels_last)
        pictures = pictures.to(memory_format=torch.channels_last)
    # The running statistics count as tensors of ours do.
    parameters = sum(t.numel() for t in network.parameters()) + sum(
        t.numel() for t in network.buffers() if t.dim())
    print(json.dumps({"version": torch.__version__, "parameters": parameters}), flush=True)

    optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9, weight_decay=1e-5)
    slopes = 1e-3 * torch.randn(options.batch, 1000)
    network.train(not options.features)

    def step():
        optimizer.zero_grad(set_to_none=True)
        network(pictures).backward(slopes)
        optimizer.step()

    def features():
        with torch.inference_mode():
            network(pictures)

    call = features if options.features else step
    for line in sys.stdin:
        match line.split():
            case ["run", calls]:
                times = []
                for _ in range(int(calls)):
                    start = time.perf_counter()
                    call()
                    times.append(time.perf_counter() - start)
                print(json.dumps(times), flush=True)
            case _:
                sys.exit(f"'{line.strip()}' is not 'run N'")


if __name__ == "__main__":
    main()
