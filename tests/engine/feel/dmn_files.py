"""DMN files for tests, written short."""

from html import escape

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def definitions(*nodes: str) -> str:
    head = f'<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="{NAMESPACE}" id="d" name="d" namespace="n">'
    return f"{head}{''.join(nodes)}</definitions>"


def text(tag: str, content: str, attributes: str = "") -> str:
    return f"<{tag} {attributes}><text>{escape(content, quote=False)}</text></{tag}>"


def table(inputs: list, outputs: list, rules: list[tuple[list, list]], policy="UNIQUE", aggregation="") -> str:
    """inputs: (expression, type[, values]); outputs: (name, type[, values[, default]]); rules: (tests, results)."""
    collect = f' aggregation="{aggregation}"' if aggregation else ""
    parts = [f'<decisionTable hitPolicy="{policy}"{collect}>']
    for expression, kind, *values in inputs:
        allowed = text("inputValues", values[0]) if values else ""
        typed = text("inputExpression", expression, f'typeRef="{kind}"')
        parts.append(f'<input label="{escape(expression)}">{typed}{allowed}</input>')
    for name, kind, *more in outputs:
        inner = "".join(
            text(tag, value) for tag, value in zip(("outputValues", "defaultOutputEntry"), more, strict=False) if value
        )
        parts.append(f'<output name="{name}" typeRef="{kind}">{inner}</output>')
    for tests, results in rules:
        cells = [text("inputEntry", cell) for cell in tests] + [text("outputEntry", cell) for cell in results]
        parts.append(f"<rule>{''.join(cells)}</rule>")
    return "".join(parts) + "</decisionTable>"


def decision(key: str, body: str, name: str | None = None, requires: str = "", kind: str = "") -> str:
    variable = f'<variable name="{name or key}" typeRef="{kind}"/>' if kind else ""
    return f'<decision id="{key}" name="{name or key}">{variable}{requires}{body}</decision>'


def needs(**references: str) -> str:
    kinds = {
        "required_input": ("informationRequirement", "requiredInput"),
        "required_decision": ("informationRequirement", "requiredDecision"),
        "required_knowledge": ("knowledgeRequirement", "requiredKnowledge"),
    }
    return "".join(
        f'<{kinds[kind][0]}><{kinds[kind][1]} href="#{key}"/></{kinds[kind][0]}>' for kind, key in references.items()
    )


def literal(content: str) -> str:
    return text("literalExpression", content)


def one(body: str) -> str:
    return definitions(decision("t", body))


def scores(policy: str, aggregation: str = "", values: str = "", rules=None) -> str:
    outputs = [("score", "number", values)] if values else [("score", "number")]
    return one(
        table(
            [("x", "number")],
            outputs,
            rules or [(["> 0"], ["10"]), (["> 5"], ["30"]), (["> 8"], ["20"])],
            policy,
            aggregation,
        )
    )
