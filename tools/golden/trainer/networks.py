"""The networks, with dctrain's names and its layout of tensors in files.

Files hold filters as [outC, kH, kW, inC] and a linear layer after a map with its inputs in H, W, C
order; PyTorch wants the channels before H and W.
"""

import torch
import torch.nn.functional as F
from torch import nn

import chance as numbers


class Sobel(nn.Module):
    """Grey, then the horizontal and the vertical gradient; nothing here is trained."""

    def __init__(self):
        super().__init__()
        horizontal = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
        self.register_buffer(
            "filters", torch.stack([horizontal, horizontal.T]).unsqueeze(1), persistent=False)

    def forward(self, x):
        return F.conv2d(x.mean(1, keepdim=True), self.filters, padding=1)


class Network(nn.Module):
    """A backbone; `draw` gives the starting weights, `tensors` and `load` speak dctrain's layout."""

    #: The spatial size of the map that a linear layer takes, by the layer's name.
    maps = {}

    def draw(self, random):
        """Filters by fan-out, linear weights of deviation 0.01, in the order of the layers."""
        with torch.no_grad():
            for name, module in self.named_modules():
                if isinstance(module, nn.Conv2d):
                    outputs, inputs, height, width = module.weight.shape
                    values = random.normals(
                        (outputs, height, width, inputs), (2 / (height * width * outputs)) ** 0.5)
                    module.weight.copy_(torch.from_numpy(values).permute(0, 3, 1, 2))
                elif isinstance(module, nn.Linear):
                    values = torch.from_numpy(random.normals(module.weight.shape, 0.01))
                    module.weight.copy_(self.from_file(f"{name}.weight", values))
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)

    def from_file(self, name, value):
        if value.dim() == 4:
            return value.permute(0, 3, 1, 2).contiguous()
        side = self.maps.get(name.removesuffix(".weight"))
        if value.dim() == 2 and side:
            return value.view(len(value), side, side, -1).permute(0, 3, 1, 2).flatten(1)
        return value

    def to_file(self, name, value):
        value = value.detach()
        side = self.maps.get(name.removesuffix(".weight"))
        if value.dim() == 2 and side:
            value = value.view(len(value), -1, side, side).permute(0, 2, 3, 1).flatten(1)
        return value.permute(0, 2, 3, 1).contiguous() if value.dim() == 4 else value.contiguous()

    def tensors(self):
        return {name: self.to_file(name, value) for name, value in self.state_dict().items()
                if not name.endswith("num_batches_tracked")}

    def load(self, tensors):
        for name, value in self.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                value.copy_(self.from_file(name, tensors[name]))

    def drop(self, x, layer):
        """Dropout of one half; with a seed, of what dctrain drops in its layer of that place."""
        if not self.training or self.dropout_seed is None:
            return F.dropout(x, 0.5, self.training)
        # A map is counted in H, W, C order.
        flat = (x.permute(0, 2, 3, 1) if x.dim() == 4 else x).flatten(1)
        kept = torch.from_numpy(
            numbers.kept_by_dropout(self.dropout_seed, layer, *flat.shape, 0.5))
        if x.dim() == 4:
            n, c, h, w = x.shape
            kept = kept.view(n, h, w, c).permute(0, 3, 1, 2)
        return x * kept * 2

    dropout_seed = None


class Small(Network):
    """Four 3×3 convolutions with batch norm and ReLU, halved three times, and the average."""

    def __init__(self, sobel):
        super().__init__()
        self.sobel = Sobel() if sobel else nn.Identity()
        inputs = 2 if sobel else 3
        for i, outputs in enumerate([32, 64, 128, 256], 1):
            setattr(self, f"conv{i}", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
            setattr(self, f"norm{i}", nn.BatchNorm2d(outputs))
            inputs = outputs
        self.width = inputs

    def maps_of(self, x):
        """The output of each ReLU."""
        x = self.sobel(x)
        for i in range(1, 5):
            x = F.relu(getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x)))
            yield x
            if i < 4:
                x = F.max_pool2d(x, 2)

    def forward(self, x):
        for last in self.maps_of(x):
            pass
        return last.mean((2, 3))


class AlexNet(Network):
    """DeepCluster's variant: batch norm, no groups; ends at the raw output of fc7."""

    width = 4096

    def __init__(self, sobel, size):
        super().__init__()
        self.sobel = Sobel() if sobel else nn.Identity()
        shapes = [(96, 11, 4, 2), (256, 5, 1, 2), (384, 3, 1, 1), (384, 3, 1, 1), (256, 3, 1, 1)]
        inputs = 2 if sobel else 3
        for i, (outputs, kernel, stride, padding) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(inputs, outputs, kernel, stride, padding))
            setattr(self, f"norm{i}", nn.BatchNorm2d(outputs))
            inputs = outputs
        side = (size + 4 - 11) // 4 + 1
        for _ in range(3):
            side = (side - 3) // 2 + 1
        self.maps = {"fc6": side}
        # The places of the dropout layers among all layers, which decide whom they drop.
        self.drops = (19, 22) if sobel else (18, 21)
        self.fc6 = nn.Linear(256 * side * side, 4096)
        self.fc7 = nn.Linear(4096, 4096)

    def maps_of(self, x):
        x = self.sobel(x)
        for i in range(1, 6):
            x = F.relu(getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x)))
            yield x
            if i in (1, 2, 5):
                x = F.max_pool2d(x, 3, 2)
        self.last = x

    def forward(self, x):
        for _ in self.maps_of(x):
            pass
        x = self.drop(self.last, self.drops[0]).flatten(1)
        return self.fc7(self.drop(F.relu(self.fc6(x)), self.drops[1]))


class Projected(Network):
    """A backbone with the second version's head: linear, batch norm, ReLU, linear, unit length."""

    def __init__(self, backbone, dimension=128):
        super().__init__()
        for name, module in backbone.named_children():
            setattr(self, name, module)
        self.maps = backbone.maps
        object.__setattr__(self, "backbone", backbone)  # not a second time among the modules
        width = min(512, backbone.width)
        self.head_hidden = nn.Linear(backbone.width, width)
        self.head_norm = nn.BatchNorm1d(width)
        self.head_output = nn.Linear(width, dimension)

    def train(self, mode=True):
        self.backbone.train(mode)
        return super().train(mode)

    def forward(self, x):
        self.backbone.dropout_seed = self.dropout_seed
        hidden = F.relu(self.head_norm(self.head_hidden(self.backbone(x))))
        return F.normalize(self.head_output(hidden), dim=1)


def backbone(settings):
    if settings.network == "alexnet":
        return AlexNet(settings.sobel, settings.size)
    return Small(settings.sobel)
