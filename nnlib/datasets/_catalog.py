"""What can be downloaded: files, sizes, hashes, licences, and whom to thank."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One file as its publisher released it.

    Attributes
    ----------
    name : str
        File name, within the folder of the set.
    size_bytes : int or None
        Its size; None where only the folder as a whole is known.
    sha256 : str or None
        Its hash, in hexadecimal digits.
    """

    name: str
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True)
class Archive:
    """A compressed tar file that holds all files of a set.

    Attributes
    ----------
    name : str
        File name, at the end of each address.
    folder : str
        Where the files lie within the archive.
    size_bytes : int
        Size of the download; about, where there is no ``md5``.
    md5 : str or None
        The published hash. Without one, what comes out of the archive decides.
    """

    name: str
    folder: str
    size_bytes: int
    md5: str | None = None


@dataclass(frozen=True)
class GitTree:
    """A folder that is named by its content: one hash covers all its files.

    Attributes
    ----------
    folder : str
        Within the folder of the set.
    sha1 : str
        Git's object id of the folder.
    executable : tuple of str
        Parts of the names of files that git has marked executable; the mark enters the hash.
    """

    folder: str
    sha1: str
    executable: tuple[str, ...] = ()


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
        All that loading needs.
    target_names : tuple of str
        What the labels mean.
    description, licence, citation : str
        What it is, what may be done with it, and whom to thank.
    archive : Archive or None
        What is downloaded in place of the single files.
    tree : GitTree or None
        What covers files without a hash of their own.
    """

    name: str
    folder: str
    base_urls: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    target_names: tuple[str, ...]
    description: str
    licence: str
    citation: str
    archive: Archive | None = None
    tree: GitTree | None = None

    @property
    def size_bytes(self) -> int:
        """Size of the download."""
        if self.archive is not None:
            return self.archive.size_bytes
        return sum(file.size_bytes or 0 for file in self.files)


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

CIFAR10 = Download(
    name="cifar10",
    folder="cifar-10-batches-py",
    base_urls=("https://www.cs.toronto.edu/~kriz/",),
    # The MD5 sums of these files are the published ones; tests compare them.
    files=(
        RemoteFile(
            "data_batch_1",
            31_035_704,
            "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
        ),
        RemoteFile(
            "data_batch_2",
            31_035_320,
            "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
        ),
        RemoteFile(
            "data_batch_3",
            31_035_999,
            "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
        ),
        RemoteFile(
            "data_batch_4",
            31_035_696,
            "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
        ),
        RemoteFile(
            "data_batch_5",
            31_035_623,
            "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
        ),
        RemoteFile(
            "test_batch",
            31_035_526,
            "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
        ),
    ),
    target_names=(
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    ),
    description="60,000 photographs, 32 × 32 color pixels: 50,000 to train, 10,000 to test.",
    licence="none stated; its page asks for the citation",
    citation=(
        "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, "
        "University of Toronto, 2009."
    ),
    archive=Archive(
        "cifar-10-python.tar.gz",
        "cifar-10-batches-py",
        170_498_071,
        "c58f30108f718f92721af3b95e74349a",
    ),
)  # fmt: skip

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
_SPOKEN_COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
SPOKEN_DIGITS = Download(
    name="spoken_digits",
    folder="free-spoken-digit-dataset",
    base_urls=("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/",),
    files=tuple(
        RemoteFile(f"recordings/{digit}_{speaker}_{index}.wav", None, None)
        for digit in range(10)
        for speaker in SPEAKERS
        for index in range(50)
    ),
    target_names=tuple("0123456789"),
    description="3,000 recordings of ten digits by six speakers: 2,700 to train, 300 to test.",
    licence="CC BY-SA 4.0",
    citation=(
        "Z. Jackson, C. Souza, J. Flaks, Y. Pan, H. Nicolas, A. Thite, "
        "Jakobovski/free-spoken-digit-dataset, Zenodo, doi:10.5281/zenodo.1342401."
    ),
    archive=Archive(
        f"{_SPOKEN_COMMIT}.tar.gz", f"free-spoken-digit-dataset-{_SPOKEN_COMMIT}", 16_000_000
    ),
    tree=GitTree("recordings", "d04322e322a9f937f6f4f7c8546693755184df5b", ("_nicolas_", "_theo_")),
)

REVIEW_SENTENCES = Download(
    name="review_sentences",
    folder="rt-polaritydata",
    # A copy at a fixed commit, file by file as in the authors' archive rt-polaritydata.tar.gz.
    base_urls=(
        "https://raw.githubusercontent.com/Shubhammawa/Sentiment-analysis-cnn/"
        "a698f9843338fab51afab9a23680ed08e5edde3b/Datasets/rt-polaritydata/",
    ),
    files=(
        RemoteFile(
            "rt-polarity.neg",
            612_290,
            "4af43bf489620b498a0852c5a8c6a535155dec7985fdfea782b8f7756b957ccc",
        ),
        RemoteFile(
            "rt-polarity.pos",
            626_168,
            "d79ef14009bbf87cd6be21f91c3ea1a3cbcb73b34dfb4231aef7bbcd7677abc4",
        ),
    ),
    target_names=("negative", "positive"),
    description="10,662 sentences from film reviews, half of them positive.",
    licence="CC BY 4.0, Copyright (C) 2005 Bo Pang and Lillian Lee, as NLTK states",
    citation=(
        "B. Pang, L. Lee, Seeing stars: Exploiting class relationships for sentiment "
        "categorization with respect to rating scales, Proceedings of the ACL, 2005."
    ),
)

LABELED_SENTENCES = Download(
    name="labeled_sentences",
    folder="sentiment labelled sentences",
    # A copy at a fixed commit, file by file as in the archive of the UCI repository.
    base_urls=(
        "https://raw.githubusercontent.com/rmediero/sentiment-labelled-sentences/"
        "40aabbbccbd0e7609dd53f7903dcd5b924838c2b/data/",
    ),
    files=(
        RemoteFile(
            "amazon_cells_labelled.txt",
            58_226,
            "47003fc0a0d4840b00e96e715b6189bad09e7443a3da41c4cbe12ffc79f86ae3",
        ),
        RemoteFile(
            "imdb_labelled.txt",
            85_285,
            "aef2e49e3da25714d61175e3a6e68eeef74a20a2f914318dc3be9947ea86512d",
        ),
        RemoteFile(
            "yelp_labelled.txt",
            61_320,
            "c76468b7b5c6e56a0804d728345c5f84aa2142ddb214420f61cc9cfd4c00d2ea",
        ),
    ),
    target_names=("negative", "positive"),
    description="3,000 sentences about products, films and restaurants, half of them positive.",
    licence="none stated; its readme asks for the citation",
    citation=(
        "D. Kotzias, M. Denil, N. de Freitas, P. Smyth, From Group to Individual Labels using "
        "Deep Features, KDD, 2015."
    ),
)

IMAGE_SETS = {download.name: download for download in (MNIST, FASHION_MNIST)}
"""The sets in IDX files, by name."""

DOWNLOADS = (
    *IMAGE_SETS.values(), CIFAR10, SPOKEN_DIGITS, REVIEW_SENTENCES, LABELED_SENTENCES
)  # fmt: skip
