"""What can be downloaded: files, sizes, hashes, licences, and whom to thank."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One file as its publisher released it.

    Attributes
    ----------
    name : str
        File name.
    size_bytes : int
        Its size.
    sha256 : str
        Its hash, in hexadecimal digits.
    """

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Download:
    """A data set that is downloaded once.

    Attributes
    ----------
    name : str
        As ``load`` takes it.
    folder : str
        Folder of its files, within NNLIB_DATA and within the cache.
    base_urls : tuple of str
        Where the files are published; the next is tried when one fails.
    files : tuple of RemoteFile
        Training images, training labels, test images, test labels.
    target_names : tuple of str
        What the labels mean.
    description, licence, citation : str
        What it is, what may be done with it, and whom to thank.
    """

    name: str
    folder: str
    base_urls: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    target_names: tuple[str, ...]
    description: str
    licence: str
    citation: str

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size_bytes for file in self.files)


MNIST = Download(
    name="mnist",
    folder="mnist",
    base_urls=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    target_names=tuple("0123456789"),
    description="70,000 handwritten digits, 28 × 28 gray pixels: 60,000 to train, 10,000 to test.",
    licence="none stated by its publishers",
    citation=(
        "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document "
        "recognition, Proceedings of the IEEE 86(11), 2278-2324, 1998."
    ),
)

FASHION_MNIST = Download(
    name="fashion_mnist",
    folder="fashion-mnist",
    base_urls=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    target_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    description="70,000 pieces of clothing, 28 × 28 gray pixels: 60,000 to train, 10,000 to test.",
    licence="MIT, Copyright (c) 2017 Zalando SE",
    citation=(
        "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
        "Machine Learning Algorithms, arXiv:1708.07747, 2017."
    ),
)  # fmt: skip

DOWNLOADS = (MNIST, FASHION_MNIST)
IMAGE_SETS = {download.name: download for download in DOWNLOADS}
"""The sets in IDX files, by name."""
