"""Names that a Keras configuration may contain: an allowlist of built-in classes and functions.

Layers of later Keras versions are rejected until they are added here. Layers that run code or open files are excluded
(``Lambda``, ``TFSMLayer``, ``JaxLayer``, ``FlaxLayer``, ``TorchModuleWrapper``, vocabularies as in ``StringLookup``).
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODELS: Final = frozenset({"Functional", "Model", "Sequential"})

LAYERS: Final = _words(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
    AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D AdaptiveAveragePooling2D AdaptiveMaxPooling2D
    BatchNormalization BatchNormalizationV1 SyncBatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM2D Convolution1D
    Convolution2D Convolution2DTranspose Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D
    Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GRUV1 GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
    GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention Identity InputLayer LSTM LSTMCell LSTMV1 LayerNormalization LeakyReLU Masking MaxPool1D
    MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply
    Normalization PReLU Permute RMSNormalization RNN RandomBrightness RandomContrast RandomCrop RandomFlip
    RandomHeight RandomRotation RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape
    Resizing SeparableConv1D SeparableConv2D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
    ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
    """
)

OTHERS: Final = _words(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform
    Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros MaxNorm
    MinMaxNorm NonNeg UnitNorm L1 L1L2 L2 OrthogonalRegularizer DTypePolicy DTypePolicyMap FloatDTypePolicy Policy
    SeedGenerator __keras_tensor__ __tuple__ __ellipsis__ __slice__ __tensor__ __numpy__ __typespec__ TensorShape
    """
)
"""Initializers, constraints, regularizers, dtype policies, and serialized plain values."""

ACTIVATIONS: Final = _words(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)

TENSORFLOW: Final = _words(
    """
    TFOpLambda SlicingOpLambda TensorFlowOpLayer ClassMethod InstanceMethod InstanceProperty
    """
)
"""Layers that call a TensorFlow function by name."""

SAMPLING: Final = "LatentExplorerSampling"
"""Class that replaces sampling layers; the engine defines it for Keras 2 and 3."""

STAND_IN: Final = "LatentExplorerStandIn"
"""Class in the place of code that never runs, in an encoder that is left out; the engine defines it, too."""

CODE: Final = frozenset({"Lambda", "__lambda__"})
"""Python code in the file."""

EXTERNAL: Final = _words(
    """
    TFSMLayer JaxLayer FlaxLayer TorchModuleWrapper StringLookup IntegerLookup TextVectorization Hashing
    HashedCrossing Discretization
    """
)
"""Layers that open other files or need other programs."""

OPERATIONS: Final = ("keras.src.ops.", "keras.ops")
"""Modules of Keras operations, such as the addition or slicing of tensors between layers."""

PACKAGES: Final = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
