"""Whatever comes as a diagram: `read` and the checks answer with faults, they never raise."""

import random
from pathlib import Path

from lxml import etree

from engine.checks import check
from engine.definitions import Procedure, read_folder
from engine.dialect import read
from engine.feel import Feel
from engine.operations import Registry

FILES = read_folder(Path(__file__).parent / "diagrams" / "dialect-good").files
GOOD = FILES["dialect-good.bpmn"]
SNIPPETS = [b"<", b">", b"&", b"&#0;", b"&lt;", b"\xff\xfe", b"\0", b"]]>", b"<![CDATA[", b"<!--", b"<?x?>", b"=", b"\"",
            b"<!DOCTYPE x>", b"encoding=\"utf-16\"", b"bpmn:", b"zeebe:", "紧急".encode(), b"id=\"start\"", b"-PT1H"]


def damaged(rng: random.Random) -> bytes:
    """The good diagram with one to six random cuts, copies, flips and insertions."""
    data = bytearray(GOOD)
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 8, 60, 900])
        kind = rng.randrange(4)
        if kind == 0:
            del data[at:at + length]
        elif kind == 1:
            data[at:at] = data[at // 2:at // 2 + length]
        elif kind == 2:
            data[at:at + 1] = bytes([rng.randrange(256)])
        else:
            data[at:at] = rng.choice(SNIPPETS)
    return bytes(data)


def rearranged(rng: random.Random) -> bytes:
    """Well-formed XML with elements moved, doubled, renamed or removed and attributes changed: passes the XML parser."""
    root = etree.fromstring(GOOD)
    for _ in range(rng.randint(1, 8)):
        nodes = [n for n in root.iter() if isinstance(n.tag, str) and n.getparent() is not None]
        node, other = rng.choice(nodes), rng.choice(nodes)
        kind = rng.randrange(5)
        if kind == 0 and len(nodes) > 20:
            node.getparent().remove(node)
        elif kind == 1:
            other.append(etree.fromstring(etree.tostring(node)))
        elif kind == 2:
            node.tag = other.tag
        elif kind == 3 and node.attrib:
            node.set(rng.choice(list(node.attrib)), rng.choice(["", "=", "= ", "x" * 5000, "start", "true", "a:b", "\n"]))
        else:
            node.text = rng.choice(["", "=", "R/PT0S", "PT1D", "=1 +", "é紧"])
    return etree.tostring(root)


def test_damaged_bytes_never_raise():
    rng = random.Random(20251)
    for _ in range(200):
        diagram, faults = read(damaged(rng), "damaged.bpmn")
        assert diagram is not None or faults


def test_rearranged_xml_never_raises():
    rng = random.Random(20252)
    refused = 0
    for _ in range(200):
        diagram, faults = read(rearranged(rng), "rearranged.bpmn")
        refused += bool(faults)
        assert diagram is not None or faults
        assert all(f.check and f.reason and f.remedy for f in faults)
    assert refused > 50


def test_random_bytes_never_raise_and_give_no_diagram():
    rng = random.Random(20253)
    for _ in range(200):
        diagram, faults = read(rng.randbytes(rng.randint(0, 300)), "noise.bpmn")
        assert diagram is None and len(faults) == 1


def test_checks_of_rearranged_xml_never_raise():
    rng, feel = random.Random(20254), Feel()
    for _ in range(60):
        procedure = Procedure.from_files(FILES | {"dialect-good.bpmn": rearranged(rng)})
        faults = check(procedure, operations=Registry(), roles=["specialist"], known_processes=["escalation"], feel=feel)
        assert all(f.check and f.reason and f.remedy for f in faults)
