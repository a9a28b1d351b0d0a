"""A Keras 3 model's config as a network in the language of cnnc.

Each class of layers is a row: its name in cnnc, the arguments that stand without a name, and the defaults of the others, which are not
written out. An argument that no row knows must be empty, or the layer is refused: nothing that Keras does is left out in silence.
"""

import struct

from convert.keras_file import layers_of, model_name, snake_case
from convert.problem import Problem

REQUIRED = object()
GLOROT = dict(kernel_initializer="glorot_uniform", bias_initializer="zeros")
PENALTIES = dict(kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None)
CONVOLUTION = dict(strides=1, padding="valid", dilation_rate=1, groups=1, activation="linear", use_bias=True, **GLOROT, **PENALTIES)
DEPTHWISE = dict(strides=1, padding="valid", depth_multiplier=1, dilation_rate=1, activation="linear", use_bias=True,
                 depthwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None)
SEPARABLE = dict(DEPTHWISE, pointwise_initializer="glorot_uniform", pointwise_regularizer=None)
RECURRENT = dict(activation="tanh", use_bias=True, **GLOROT, recurrent_initializer="orthogonal", **PENALTIES, recurrent_regularizer=None,
                 dropout=0, recurrent_dropout=0, return_sequences=False, go_backwards=False, stateful=False, unroll=False)
NORMALIZATION = dict(axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer="zeros", gamma_initializer="ones",
                     beta_regularizer=None, gamma_regularizer=None)
POOLING = dict(strides=None, padding="valid")
NOISE_FILL = dict(fill_mode="reflect", interpolation="bilinear", fill_value=0)

# class: (name in cnnc, arguments without a name, others with their defaults)
LAYERS = {
    "Rescaling": ("rescaling", ["scale"], dict(offset=0)),
    "Conv1D": ("conv1d", ["filters", "kernel_size"], CONVOLUTION),
    "Conv2D": ("conv2d", ["filters", "kernel_size"], CONVOLUTION),
    "DepthwiseConv2D": ("depthwise_conv2d", ["kernel_size"], DEPTHWISE),
    "SeparableConv2D": ("separable_conv2d", ["filters", "kernel_size"], SEPARABLE),
    "MaxPooling1D": ("max_pooling1d", ["pool_size"], POOLING),
    "MaxPooling2D": ("max_pooling2d", ["pool_size"], POOLING),
    "AveragePooling1D": ("average_pooling1d", ["pool_size"], POOLING),
    "AveragePooling2D": ("average_pooling2d", ["pool_size"], POOLING),
    "GlobalMaxPooling1D": ("global_max_pooling1d", [], dict(keepdims=False)),
    "GlobalMaxPooling2D": ("global_max_pooling2d", [], dict(keepdims=False)),
    "GlobalAveragePooling1D": ("global_average_pooling1d", [], dict(keepdims=False)),
    "GlobalAveragePooling2D": ("global_average_pooling2d", [], dict(keepdims=False)),
    "Dropout": ("dropout", ["rate"], {}),
    "SpatialDropout1D": ("spatial_dropout1d", ["rate"], {}),
    "SpatialDropout2D": ("spatial_dropout2d", ["rate"], {}),
    "GaussianNoise": ("gaussian_noise", ["stddev"], {}),
    "GaussianDropout": ("gaussian_dropout", ["rate"], {}),
    "AlphaDropout": ("alpha_dropout", ["rate"], {}),
    "RandomTranslation": ("random_translation", ["height_factor", "width_factor"], NOISE_FILL),
    "RandomRotation": ("random_rotation", ["factor"], NOISE_FILL),
    "RandomZoom": ("random_zoom", ["height_factor"], dict(width_factor=None, **NOISE_FILL)),
    "RandomFlip": ("random_flip", ["mode"], {}),
    "BatchNormalization": ("batch_normalization", [], dict(NORMALIZATION, momentum=0.99, moving_mean_initializer="zeros",
                                                           moving_variance_initializer="ones")),
    "LayerNormalization": ("layer_normalization", [], NORMALIZATION),
    "UnitNormalization": ("unit_normalization", [], dict(axis=-1)),
    "Flatten": ("flatten", [], {}),
    "Reshape": ("reshape", ["target_shape"], {}),
    "Permute": ("permute", ["dims"], {}),
    "RepeatVector": ("repeat_vector", ["n"], {}),
    "ZeroPadding1D": ("zero_padding1d", ["padding"], {}),
    "ZeroPadding2D": ("zero_padding2d", ["padding"], {}),
    "Cropping1D": ("cropping1d", ["cropping"], {}),
    "Cropping2D": ("cropping2d", ["cropping"], {}),
    "UpSampling1D": ("up_sampling1d", ["size"], {}),
    "UpSampling2D": ("up_sampling2d", ["size"], dict(interpolation="nearest")),
    "Embedding": ("embedding", ["input_dim", "output_dim"], dict(embeddings_initializer="random_uniform", embeddings_regularizer=None)),
    "Dense": ("dense", ["units"], dict(activation="linear", use_bias=True, **GLOROT, **PENALTIES)),
    "Activation": ("activation", ["activation"], {}),
    "ReLU": ("relu", [], dict(max_value=None, negative_slope=0, threshold=0)),
    "LeakyReLU": ("leaky_relu", [], dict(negative_slope=0.3)),
    "PReLU": ("p_re_lu", [], dict(alpha_initializer="zeros", alpha_regularizer=None, shared_axes=None)),
    "ELU": ("elu", [], dict(alpha=1)),
    "Softmax": ("softmax", [], dict(axis=-1)),
    "Add": ("add", [], {}),
    "Subtract": ("subtract", [], {}),
    "Multiply": ("multiply", [], {}),
    "Average": ("average", [], {}),
    "Maximum": ("maximum", [], {}),
    "Minimum": ("minimum", [], {}),
    "Concatenate": ("concatenate", [], dict(axis=-1)),
    "SimpleRNN": ("simple_rnn", ["units"], RECURRENT),
    "LSTM": ("lstm", ["units"], dict(RECURRENT, recurrent_activation="sigmoid", unit_forget_bias=True)),
    "GRU": ("gru", ["units"], dict(RECURRENT, recurrent_activation="sigmoid", reset_after=True)),
}
TRAINING_ONLY = ("_initializer", "_regularizer")

# Arguments without effect here, or that only one value is right for.
IGNORED = {"name", "trainable", "dtype", "batch_shape", "seed", "synchronized", "implementation", "zero_output_for_mask", "renorm_momentum",
           "data_format", "value_range", "input_length", "autocast"}
FUNCTIONS = ("relu relu6 leaky_relu elu selu gelu silu mish sigmoid hard_sigmoid tanh softplus softsign exponential softmax linear").split()
INITIALIZERS = {
    "variance_scaling": dict(scale=1, mode="fan_in", distribution="truncated_normal"),
    "random_uniform": dict(minval=-0.05, maxval=0.05),
    "random_normal": dict(mean=0, stddev=0.05),
    "truncated_normal": dict(mean=0, stddev=0.05),
    "constant": dict(value=0),
    "orthogonal": dict(gain=1),
    "identity": dict(gain=1),
    **{name: {} for name in "glorot_uniform glorot_normal he_uniform he_normal lecun_uniform lecun_normal zeros ones".split()},
}
CLIPPING = dict(weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None)
ADAM = dict(CLIPPING, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
OPTIMIZERS = {
    "SGD": ("sgd", dict(CLIPPING, learning_rate=0.01, momentum=0, nesterov=False)),
    "RMSprop": ("rmsprop", dict(CLIPPING, learning_rate=0.001, rho=0.9, momentum=0, epsilon=1e-7, centered=False)),
    "Adagrad": ("adagrad", dict(CLIPPING, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7)),
    "Adadelta": ("adadelta", dict(CLIPPING, learning_rate=0.001, rho=0.95, epsilon=1e-7)),
    "Adam": ("adam", dict(ADAM, amsgrad=False)),
    "AdamW": ("adamw", dict(ADAM, amsgrad=False, weight_decay=0.004)),
    "Adamax": ("adamax", ADAM),
    "Nadam": ("nadam", ADAM),
    "Lion": ("lion", dict(CLIPPING, learning_rate=0.001, beta_1=0.9, beta_2=0.99)),
    "Ftrl": ("ftrl", dict(CLIPPING, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1, l1_regularization_strength=0,
                          l2_regularization_strength=0, l2_shrinkage_regularization_strength=0, beta=0)),
}
SCHEDULES = {
    "ExponentialDecay": dict(initial_learning_rate=REQUIRED, decay_steps=REQUIRED, decay_rate=REQUIRED, staircase=False),
    "InverseTimeDecay": dict(initial_learning_rate=REQUIRED, decay_steps=REQUIRED, decay_rate=REQUIRED, staircase=False),
    "PolynomialDecay": dict(initial_learning_rate=REQUIRED, decay_steps=REQUIRED, end_learning_rate=0.0001, power=1, cycle=False),
    "CosineDecay": dict(initial_learning_rate=REQUIRED, decay_steps=REQUIRED, alpha=0, warmup_target=None, warmup_steps=0),
    "CosineDecayRestarts": dict(initial_learning_rate=REQUIRED, first_decay_steps=REQUIRED, t_mul=2, m_mul=1, alpha=0),
    "PiecewiseConstantDecay": dict(boundaries=REQUIRED, values=REQUIRED),
}
LOSSES = {  # with the arguments that are not at their defaults written out
    "binary_crossentropy": dict(from_logits=False, label_smoothing=0),
    "binary_focal_crossentropy": dict(apply_class_balancing=False, alpha=0.25, gamma=2, from_logits=False, label_smoothing=0),
    "categorical_crossentropy": dict(from_logits=False, label_smoothing=0),
    "categorical_focal_crossentropy": dict(alpha=0.25, gamma=2, from_logits=False, label_smoothing=0),
    "sparse_categorical_crossentropy": dict(from_logits=False),
    "huber": dict(delta=1),
    **{name: {} for name in ("categorical_hinge cosine_similarity hinge squared_hinge kl_divergence log_cosh mean_absolute_error "
                             "mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson").split()},
}
METRICS = {
    **LOSSES,
    "accuracy": {},
    "auc": dict(num_thresholds=200, curve="ROC", summation_method="interpolation"),
    "binary_accuracy": dict(threshold=0.5),
    "categorical_accuracy": {},
    "f1_score": dict(average=REQUIRED, threshold=None),
    "precision": dict(thresholds=None, top_k=None, class_id=None),
    "recall": dict(thresholds=None, top_k=None, class_id=None),
    "root_mean_squared_error": {},
    "sparse_categorical_accuracy": {},
    "top_k_categorical_accuracy": dict(k=5),
    "sparse_top_k_categorical_accuracy": dict(k=5),
}
SPELLINGS = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
             "msle": "mean_squared_logarithmic_error", "bce": "binary_crossentropy", "kld": "kl_divergence", "acc": "accuracy",
             "logcosh": "log_cosh", "huber_loss": "huber", "kullback_leibler_divergence": "kl_divergence", "swish": "silu"}


# ---- values -----------------------------------------------------------------------------------------------


def number(value):
    """The shortest text of a number; of one that float32 holds exactly, the shortest that float32 reads as the same."""
    if isinstance(value, bool) or isinstance(value, int):
        return str(value).lower()
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    single = lambda x: struct.unpack("f", struct.pack("f", x))[0]
    if single(value) == value:
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if single(float(text)) == value:
                return text
    return repr(value)


def text_of(value):
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return number(value)


def sizes(value):
    """3x3 where Keras has (3, 3), 3 where it has (3,)."""
    if isinstance(value, int):
        return str(value)
    return str(value[0]) if len(value) == 1 else "x".join(map(str, value))


def margins(value):
    """A number, or one for each side: (top, bottom), (left, right) are [top x bottom, left x right]."""
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value[0], int):
        return sizes(value)
    (top, bottom), (left, right) = value
    if top == bottom and left == right:
        return str(top) if top == left else f"{top}x{left}"
    return f"[{top}x{bottom}, {left}x{right}]"


def join(name, parts):
    return f"{name}({', '.join(parts)})"


class Translator:
    def __init__(self, inference):
        self.inference, self.notes = inference, []
        self.where = ""  # the layer that is being translated, for what is said of it

    def refuse(self, what, remedy):
        raise Problem(f"{self.where}: {what}. {remedy}")

    def refuse_training(self, what):
        """What matters in training only."""
        if not self.inference:
            self.refuse(f"{what}, which cnnc has not", "With --inference only what predictions need is converted")

    # ---- objects as arguments

    def plain(self, kind, given, table, remedy):
        """An object of a table's, by name or as a config: name, or name(what is not at its default)."""
        if isinstance(given, str):
            name, config = snake_case(given) if given[:1].isupper() else given, {}
        else:
            config = given["config"] if isinstance(given["config"], dict) else {"name": given["config"]}
            name = snake_case(given["class_name"])
            if given["class_name"] == "function":
                name = config["name"]
            elif name not in table and SPELLINGS.get(name, name) not in table:
                name = str(config.get("name"))
        name = SPELLINGS.get(name.lower(), name.lower())
        if name not in table:
            self.refuse(f"the {kind} {name} is not one of cnnc's", remedy)
        parts = []
        for key, default in table[name].items():
            value = config.get(key, default)
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if default is REQUIRED or value != default:
                parts.append(f"{key}={text_of(value)}")
        return join(name, parts) if parts else name

    def initializer(self, given):
        return self.plain("initializer", given, INITIALIZERS, "With --inference only what predictions need is converted")

    def regularizer(self, given):
        if isinstance(given, str):
            return given
        config = given["config"]
        if given["class_name"] not in ("L1", "L2", "L1L2"):
            self.refuse_training(f"has a regularizer {given['class_name']}")
        parts = [f"{key}={number(config[key])}" for key in ("l1", "l2") if key in config]
        return join({"L1L2": "l1_l2"}.get(given["class_name"], given["class_name"].lower()), parts)

    def activation(self, given):
        remedy = "cnnc has " + " ".join(FUNCTIONS)
        if given is None:
            return "linear"
        if isinstance(given, dict) and given.get("class_name") in ("ReLU", "LeakyReLU", "ELU", "Softmax"):
            name, _, defaults = LAYERS[given["class_name"]]
            return join(name, [f"{key}={text_of(given['config'][key])}" for key in defaults if given["config"].get(key) is not None])
        if isinstance(given, dict) and not isinstance(given.get("config"), (str, dict)):
            self.refuse("has an activation that is Python code", remedy)
        return self.plain("activation", given, dict.fromkeys(FUNCTIONS, {}), remedy)

    # ---- layers

    def argument(self, key, value):
        if key.endswith("_initializer"):
            return self.initializer(value)
        if key.endswith("_regularizer"):
            return None if value is None else self.regularizer(value)
        if key in ("activation", "recurrent_activation"):
            return self.activation(value)
        if key in ("kernel_size", "strides", "dilation_rate", "pool_size", "size"):
            return sizes(value)
        if key in ("padding", "cropping"):
            return margins(value)
        if key in ("target_shape", "dims"):
            return ", ".join(map(str, value))
        if key == "scale" and isinstance(value, float) and 0 < value < 1 and value == 1 / round(1 / value):
            return f"1/{round(1 / value)}"
        return text_of(value)

    def check_known(self, known, config):
        if config.get("data_format", "channels_last") not in ("channels_last", None):
            self.refuse("has its channels first", 'cnnc keeps them last: build the model with data_format="channels_last"')
        if config.get("stateful"):
            note = (f"{self.where} is stateful: in cnnc training goes on from batch to batch, predictions begin with zeros, and the function "
                    "step of the C goes on from frame to frame")
            self.notes += [note] * (note not in self.notes)
        if config.get("trainable") is False:
            self.refuse_training("is frozen (trainable=False)")
        if config.get("mask_zero"):
            self.refuse("masks zeros, which cnnc has not", "Build it with mask_zero=False")
        if config.get("renorm"):
            self.refuse("has renorm=True, which cnnc has not", "Build it without")
        for key, value in config.items():
            if key in known or key in IGNORED or value in (None, False, [], ""):
                continue
            if key.endswith("_constraint") or key == "noise_shape":
                if value != 0:
                    self.refuse_training(f"has {key}={value['class_name'] if isinstance(value, dict) else value}")
            elif value != 0:
                self.refuse(f"has {key}={value}, which cnnc has not", "Build the layer without it")

    def call(self, layer):
        """layer(arguments), without its inputs."""
        kind, config = layer["class_name"], layer["config"]
        self.where = f"layer {config['name']} ({kind})"
        if kind == "TimeDistributed":
            return join("time_distributed", [self.call(config["layer"])])
        if kind == "Bidirectional":
            return self.bidirectional(config)
        if kind not in LAYERS:
            self.refuse("cnnc has no such layer", REMEDIES.get(kind, "docs/reference.md lists those that there are"))
        module = layer.get("module") or ""
        if "ops" in module.split(".") and kind not in ("Add", "Subtract", "Multiply", "Maximum", "Minimum"):
            self.refuse("is an operation of keras.ops", "Use the layer of that name from keras.layers")
        name, positional, named = LAYERS[kind]
        if kind == "Rescaling" and not all(isinstance(config[key], (int, float)) for key in ("scale", "offset")):
            self.refuse("scales each channel by another number", "Use one number for all")
        self.check_known({*positional, *named}, config)
        parts = [self.argument(key, config[key]) for key in positional]
        for key, default in named.items():
            if key not in config or (self.inference and key.endswith(TRAINING_ONLY)):
                continue
            value = config[key]
            if key == "strides" and "pool_size" in config and value is not None and sizes(value) == sizes(config["pool_size"]):
                continue
            if isinstance(default, int) and not isinstance(default, bool) and isinstance(value, (list, tuple)) and set(value) == {default}:
                continue
            text = self.argument(key, value) if value is not None else None
            if text is not None and value != default and text != text_of(default):
                parts.append(f"{key}={text}")
        return join(name, parts)

    def bidirectional(self, config):
        if config.get("merge_mode") is None:
            self.refuse("gives its two directions apart (merge_mode=None)", 'Use merge_mode="concat"')
        forward, backward = config["layer"], config.get("backward_layer")
        mirrored = {**forward, "config": {**forward["config"], "go_backwards": not forward["config"].get("go_backwards")}}
        parts = [self.call(forward)]
        if config["merge_mode"] != "concat":
            parts.append(f"merge_mode={config['merge_mode']}")
        if backward and self.call(backward) != self.call(mirrored):
            parts.append(f"backward_layer={self.call(backward)}")
        return join("bidirectional", parts)

    def input(self, layer):
        config = layer["config"]
        self.where = f"layer {config['name']} (InputLayer)"
        shape = config.get("batch_shape") or config["batch_input_shape"]
        if None in shape[1:]:
            self.refuse(f"has the shape {tuple(shape[1:])}", "cnnc's sizes are fixed: build the model with an Input that names every size")
        dtype = "int32" if str(config.get("dtype")).startswith(("int", "uint")) and config["dtype"] != "uint8" else "float32"
        return join("input", [*map(str, shape[1:]), *(["dtype=int32"] if dtype == "int32" else [])])


REMEDIES = {
    "Lambda": "Python code cannot be converted: use layers",
    "Normalization": "With one mean and variance for all it is Rescaling(1 / sqrt(variance), -mean / sqrt(variance))",
    "Conv2DTranspose": "UpSampling2D and Conv2D do much the same",
    "Masking": "Train without: cnnc's sequences have a fixed length",
    "Functional": "Put its layers into the model itself: cnnc has no models within models",
    "Sequential": "Put its layers into the model itself: cnnc has no models within models",
    "InputLayer": "It must not stand among other layers of a Sequential model",
    "ActivityRegularization": "Use the activity_regularizer of the layer before",
    "Divide": "Use Rescaling",
    "TrueDivide": "Use Rescaling",
}


# ---- graphs -----------------------------------------------------------------------------------------------


def tensors_in(value):
    """The names of the layers whose outputs stand in what a layer was called with, in order."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return [value["config"]["keras_history"]]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [name for part in value for name in tensors_in(part)]
    return []


def ports(given):
    """input_layers and output_layers of a config: one [name, 0, 0], or a list or a dict of them."""
    if isinstance(given, dict):
        given = list(given.values())
    return [given] if given and isinstance(given[0], str) else given


def statements(config, layers, translator):
    """The layers in order, as [layer, names of inputs]; the names of the outputs."""
    if config["class_name"] == "Sequential":
        if layers and layers[0]["class_name"] != "InputLayer":
            shape = config["config"].get("build_input_shape") or config.get("build_config", {}).get("input_shape")
            if not shape:
                raise Problem("the model has no input shape: begin it with keras.Input(...), or call it once before model.save()")
            first = {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": shape, "dtype": "float32"}, "net_name": "input"}
            layers = [first, *layers]
        names = [layer["net_name"] for layer in layers]
        return [(layer, names[i - 1 : i]) for i, layer in enumerate(layers)], names[-1:]
    by_keras = {layer["config"]["name"]: layer["net_name"] for layer in layers}
    made = []
    for layer in layers:
        translator.where = f"layer {layer['config']['name']} ({layer['class_name']})"
        nodes = layer["inbound_nodes"]
        if len(nodes) > 1:
            translator.refuse("is used more than once", "cnnc shares no weights: use a layer for each place")
        inputs = tensors_in([nodes[0]["args"], nodes[0]["kwargs"]]) if nodes else []
        if nodes and "ops" in (layer.get("module") or "").split(".") and len(inputs) < 2:
            translator.refuse("calculates with a number", "Use Rescaling(scale, offset)")
        if any(kind := {key for key, value in (nodes[0]["kwargs"] if nodes else {}).items() if key == "initial_state" and value}):
            translator.refuse(f"is given {kind.pop()}", "cnnc's recurrent layers begin with zeros")
        made.append((layer, [by_keras[name] for name, *_ in inputs]))
    order = [by_keras[name] for name, *_ in ports(config["config"]["input_layers"])]
    made.sort(key=lambda pair: order.index(pair[0]["net_name"]) if pair[0]["net_name"] in order else len(order))
    return made, [by_keras[name] for name, *_ in ports(config["config"]["output_layers"])]


def translate(config, title, inference):
    """The text of the network, and notes for the user."""
    translator = Translator(inference)
    layers = layers_of(config)
    made, outputs = statements(config, layers, translator)
    several_inputs = sum(layer["class_name"] == "InputLayer" for layer, _ in made) > 1
    # What follows its only input needs no name for it.
    referred = set(outputs) if len(outputs) > 1 or outputs != [made[-1][0]["net_name"]] else set()
    for i, (_, inputs) in enumerate(made):
        if inputs and (i == 0 or inputs != [made[i - 1][0]["net_name"]]):
            referred.update(inputs)
    lines, counts, before = [], {}, None
    for layer, inputs in made:
        name = layer["net_name"]
        is_input = layer["class_name"] == "InputLayer"
        text = translator.input(layer) if is_input else translator.call(layer)
        kind = text[: text.index("(")]
        count = counts.get(kind, 0)
        own = f"{kind}_{count}" if count else kind  # what cnnc calls it if nobody else does
        fits = own == name or (is_input and not several_inputs and is_automatic(layer["config"]["name"], "input_layer", "input"))
        if name in referred or not fits:
            text = f"{name} = {text}"
        else:
            counts[kind] = count + 1
        if inputs and inputs != [before]:
            text += join("", inputs)
        lines.append(text)
        before = name
    if len(outputs) > 1 or outputs != [before]:
        lines.append(join("outputs", outputs))
    compiled = config.get("compile_config")
    if compiled and not inference:
        from convert.keras_compile import compile_statement

        lines += ["", compile_statement(translator, compiled, outputs, config)]
    given = config["config"]["name"]
    unnamed = is_automatic(given, "sequential", "functional", "model")
    head = ["# Converted from a Keras model by tools/cnnc_convert.py.", f"model {model_name(title if unnamed else given)}", ""]
    return "\n".join(head + lines) + "\n", translator.notes


def is_automatic(name, *names):
    """Keras made it, of one of these and perhaps a number."""
    return name.rstrip("0123456789").rstrip("_") in names
