"""compile() of a Keras model as that of cnnc: optimizer, loss, metrics."""

from convert.keras_file import identifier, snake_case
from convert.keras_network import LOSSES, METRICS, OPTIMIZERS, REQUIRED, SCHEDULES, join, number, text_of
from convert.problem import Problem


def schedule(translator, given):
    name = given["class_name"]
    if name not in SCHEDULES:
        translator.refuse(f"the learning rate's schedule {name} is not one of cnnc's", "With --inference only what predictions need is converted")
    parts = []
    for key, default in SCHEDULES[name].items():
        value = given["config"].get(key, default)
        if default is REQUIRED or value != default:
            parts.append(text_of(value) if default is REQUIRED else f"{key}={text_of(value)}")
    return join(snake_case(name), parts)


def optimizer(translator, given):
    translator.where = f"optimizer {given['class_name']}"
    if given["class_name"] not in OPTIMIZERS:
        translator.refuse("cnnc has no such optimizer", "With --inference only what predictions need is converted")
    name, defaults = OPTIMIZERS[given["class_name"]]
    config, parts = given["config"], []
    for key in ("use_ema", "loss_scale_factor", "gradient_accumulation_steps"):
        if config.get(key):
            translator.refuse_training(f"has {key}={config[key]}")
    keys = ["learning_rate"] + [key for key in defaults if key != "learning_rate"]
    for key in keys:
        value, default = config.get(key, defaults[key]), defaults[key]
        if isinstance(value, dict):
            parts.append(f"{key}={schedule(translator, value)}")
        elif value != default and (default is None or value is None or number(value) != number(default)):
            parts.append(f"{key}={text_of(value)}")
    return join(name, parts)


def loss(translator, given):
    if isinstance(given, dict) and isinstance(given["config"], dict):
        reduction = given["config"].get("reduction", "sum_over_batch_size")
        if reduction not in ("sum_over_batch_size", "auto"):
            translator.refuse(f"the loss has reduction={reduction}", 'cnnc takes the mean: reduction="sum_over_batch_size"')
        if given["config"].get("axis", -1) != -1 or given["config"].get("ignore_class") is not None:
            translator.refuse("the loss has another axis than the last, or an ignored class", "cnnc has neither")
    return translator.plain("loss", given, LOSSES, "With --inference only what predictions need is converted")


def metric(translator, given):
    """None: one that cnnc has not; it only reports, so it is left out, and said."""
    try:
        return translator.plain("metric", given, METRICS, "")
    except Problem:
        name = given if isinstance(given, str) else given["config"].get("name", given["class_name"])
        translator.notes.append(f"the metric {name} is left out: cnnc has not got it")
        return None


def is_object(given):
    return isinstance(given, dict) and "class_name" in given and "config" in given


def nested(given, translate, names):
    """One thing, a list of them, lists in lists, or a map by names of outputs."""
    if isinstance(given, dict) and not is_object(given):
        parts = [(names.get(key, identifier(key)), nested(value, translate, names)) for key, value in given.items() if value is not None]
        return "{" + ", ".join(f"{key}: {text}" for key, text in parts if text) + "}"
    if isinstance(given, (list, tuple)):
        parts = [nested(part, translate, names) for part in given if part is not None]
        return "[" + ", ".join(part for part in parts if part) + "]"
    return translate(given)


def compile_statement(translator, compiled, outputs, config):
    names = {layer["config"]["name"]: layer["net_name"] for layer in config["config"]["layers"]}
    translator.where = "compile()"
    if compiled.get("loss") is None:
        translator.refuse("has no loss", "With --inference only what predictions need is converted")
    parts = [f"optimizer = {optimizer(translator, compiled['optimizer'])}"]
    translator.where = "compile()"
    parts.append(f"loss = {nested(compiled['loss'], lambda given: loss(translator, given), names)}")
    if compiled.get("loss_weights") is not None and len(outputs) > 1:
        parts.append(f"loss_weights = {nested(compiled['loss_weights'], number, names)}")
    for key in ("metrics", "weighted_metrics"):
        given = compiled.get(key)
        if given:
            text = nested(given, lambda each: metric(translator, each), names)
            if text.strip("[]{}"):
                parts.append(f"{key} = {text if text[0] in '[{' else f'[{text}]'}")
    return "compile(" + (",\n        ").join(parts) + ")"
