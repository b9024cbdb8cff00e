"""torchvision's epoch of pictures, timed when told, with the lines of `load-bench`."""

import argparse
import json
import pathlib
import sys
import time

import torch
import torchvision
from torchvision import transforms
from torchvision.datasets.folder import default_loader
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Pictures(torch.utils.data.Dataset):
    def __init__(self, paths, load, transform):
        self.paths, self.load, self.transform = paths, load, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.transform(self.load(self.paths[index]))


def pillow(size, is_center):
    """The transforms of the reference, by Pillow."""
    views = [transforms.Resize(256 * size // 224), transforms.CenterCrop(size)] if is_center else [
        transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]
    return default_loader, transforms.Compose(
        [*views, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])


def tensors(size, is_center):
    """The same as tensors from the decoder on, which torchvision calls the faster way."""
    views = [v2.Resize(256 * size // 224, antialias=True), v2.CenterCrop(size)] if is_center else [
        v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip()]
    return lambda path: decode_image(path, ImageReadMode.RGB), v2.Compose(
        [*views, v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, DEVIATION)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--center", action="store_true")
    parser.add_argument("--way", choices=["pillow", "tensors"], required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    paths = sorted(str(p) for p in options.images.rglob("*") if p.suffix in (".jpg", ".png"))
    load, transform = globals()[options.way](options.size, options.center)
    # The workers live on from epoch to epoch, so that their start is not in the time.
    loader = torch.utils.data.DataLoader(
        Pictures(paths, load, transform), batch_size=options.batch, shuffle=not options.center,
        num_workers=options.threads, persistent_workers=True)
    print(json.dumps({"pictures": len(paths), "version": torchvision.__version__}), flush=True)
    for line in sys.stdin:
        match line.split():
            case ["run", calls]:
                times = []
                for _ in range(int(calls)):
                    start = time.perf_counter()
                    count = sum(len(batch) for batch in loader)
                    times.append(time.perf_counter() - start)
                    if count != len(paths):
                        sys.exit(f"{count} pictures of {len(paths)}")
                print(json.dumps(times), flush=True)
            case _:
                sys.exit(f"'{line.strip()}' is not 'run N'")


if __name__ == "__main__":
    main()
