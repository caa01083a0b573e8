"""What lxml finds and makes of the same documents, selectors and bodies.

Reads one JSON object per line from the file that is the argument, prints what differs, and how many lines it judged.
Selectors are XPath here, the rules of RFC 4825 8.2.3 are written down a second time, on trees instead of octets.
"""

import json
import re
import sys

from lxml import etree

XML = "http://www.w3.org/XML/1998/namespace"


class Conflict(Exception):
    pass


def parse(octets):
    return etree.fromstring(octets, etree.XMLParser(resolve_entities=False))


def predicates(step):
    values = {}
    path = "*"
    if step["name"]:
        path += "[namespace-uri()=$ns and local-name()=$local]"
        values["ns"], values["local"] = step["name"]
    if step["position"] is not None:
        path += "[%d]" % step["position"]
    if step["attribute"]:
        path += "[@*[namespace-uri()=$ans and local-name()=$alocal]=$value]"
        values["ans"], values["alocal"], values["value"] = step["attribute"]
    return path, values


def hits(context, step):
    path, values = predicates(step)
    if isinstance(context, etree._ElementTree):
        path = "/" + path
    return context.xpath(path, **values)


def walk(root, steps):
    context = root.getroottree()
    for step in steps:
        found = hits(context, step)
        if len(found) != 1:
            return None
        context = found[0]
    return context


def key(name):
    return "{%s}%s" % tuple(name) if name[0] else name[1]


def find(root, case):
    """The element, or the element and the key of its attribute, or None."""
    element = walk(root, case["steps"])
    terminal = case["terminal"]
    if element is None or not terminal:
        return element
    if terminal == "namespaces":
        return element
    return (element, key(terminal)) if element.get(key(terminal)) is not None else None


def bindings(element):
    return {prefix: uri for prefix, uri in element.nsmap.items() if uri}


def place(element):
    """Which child of which child of the root element."""
    path = []
    while element.getparent() is not None:
        parent = element.getparent()
        path.insert(0, [child for child in parent if isinstance(child.tag, str)].index(element))
        element = parent
    return path


def get(case):
    root = parse(case["document"].encode())
    found = find(root, case)
    if found is None:
        return None
    if isinstance(found, tuple):
        return {"place": place(found[0]), "value": found[0].get(found[1])}
    if case["terminal"] == "namespaces":
        name = (found.prefix + ":" if found.prefix else "") + etree.QName(found).localname
        return {"place": place(found), "name": name, "bindings": {p or "": u for p, u in bindings(found).items()}}
    return {"place": place(found)}


def fragment(body, scope):
    declared = "".join(" xmlns%s='%s'" % (":" + prefix if prefix else "", uri) for prefix, uri in scope.items())
    try:
        wrapper = parse(("<wrapper%s>%s</wrapper>" % (declared, body.strip(" \t\r\n"))).encode())
    except etree.XMLSyntaxError:
        raise Conflict("not-xml-frag")
    if wrapper.text or len(wrapper) != 1 or not isinstance(wrapper[0].tag, str) or wrapper[0].tail:
        raise Conflict("not-xml-frag")
    return wrapper[0]


def insert_after(sibling, new):
    new.tail, sibling.tail = sibling.tail, None
    parent = sibling.getparent()
    parent.insert(parent.index(sibling) + 1, new)


def create(parent, step, new):
    if isinstance(parent, etree._ElementTree):
        raise Conflict("cannot-insert")
    elements = [child for child in parent if isinstance(child.tag, str)]
    name = key(step["name"]) if step["name"] else None
    named = [child for child in elements if name in (None, child.tag)]
    position = step["position"]
    if position is None:
        alike = [child for child in elements if child.tag == (name or new.tag)]
        if alike:
            insert_after(alike[-1], new)
        else:
            parent.append(new)
    elif position == 1 and named:
        parent.insert(parent.index(named[0]), new)
    elif position == 1:
        parent.append(new)
    elif 1 < position <= len(named) + 1:
        insert_after(named[position - 2], new)
    else:
        raise Conflict("cannot-insert")


def put_element(root, case):
    *parents, step = case["steps"]
    parent = walk(root, parents)
    if parent is None:
        raise Conflict("no-parent")
    new = fragment(case["body"], {} if isinstance(parent, etree._ElementTree) else bindings(parent))
    found = hits(parent, step)
    if len(found) > 1:
        raise Conflict("cannot-insert")
    if not found:
        create(parent, step, new)
    elif found[0] is root:
        new = root = parse(case["body"].strip().encode())  # with a document of its own
    else:
        new.tail = found[0].tail
        found[0].getparent().replace(found[0], new)
    if find(root, case) is not new:
        raise Conflict("cannot-insert")
    return root, not found


def put_attribute(root, case):
    element = walk(root, case["steps"])
    if element is None:
        raise Conflict("no-parent")
    body, name = case["body"], case["terminal"]
    if re.fullmatch("(?s)\"[^\"]*\"|'[^']*'", body):
        body = body[1:-1]
    try:
        value = parse(('<w a="%s"/>' % body.replace('"', "&quot;")).encode()).get("a")
    except etree.XMLSyntaxError:
        raise Conflict("not-xml-att-value")
    existing = element.get(key(name)) is not None
    prefixed = [uri for prefix, uri in element.nsmap.items() if prefix] + ["", XML]
    if not existing and (name[1] == "xmlns" or name[0] not in prefixed):
        raise Conflict("cannot-insert")
    element.set(key(name), value)
    if find(root, case) != (element, key(name)):
        raise Conflict("cannot-insert")
    return root, not existing


def remove(element):
    parent, before = element.getparent(), element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "") or None
    else:
        parent.text = (parent.text or "") + (element.tail or "") or None
    element.tail = None
    parent.remove(element)


def delete(root, case):
    found = find(root, case)
    if found is None:
        raise Conflict("not-found")
    if isinstance(found, tuple):
        del found[0].attrib[found[1]]
    elif found is root:
        raise Conflict("cannot-delete")
    else:
        remove(found)
        *parents, step = case["steps"]
        if hits(walk(root, parents), step):
            raise Conflict("cannot-delete")
    return root


def canonical(node):
    """Names expanded, prefixes and declarations left out: those are octets, which other tests compare."""
    tag = node.tag if isinstance(node.tag, str) else node.tag.__name__
    target = getattr(node, "target", None)
    children = [(canonical(child), child.tail or "") for child in node]
    return tag, target, sorted(node.attrib.items()) if isinstance(node.tag, str) else [], node.text or "", children


def judge(operation, case):
    """What lxml says, in the words of the case, and a document to be compared as a tree."""
    root = parse(case["document"].encode())
    try:
        if operation == "delete":
            return {"error": None}, delete(root, case)
        result, created = (put_attribute if case["terminal"] else put_element)(root, case)
        return {"error": None, "created": created}, result
    except Conflict as conflict:
        return {"error": str(conflict)}, None


def differences(case):
    found = get(case)
    if found != case["get"]:
        yield "get", found, case["get"]
    if case["terminal"] == "namespaces":
        return
    for operation in "put", "delete":
        ours = case[operation]
        document = ours.pop("document", None)
        theirs, tree = judge(operation, case)
        if theirs != ours:
            yield operation, theirs, ours
        elif tree is not None and canonical(tree) != canonical(parse(document.encode())):
            yield operation, etree.tostring(tree, encoding="unicode"), document


def main():
    judged = 0
    with open(sys.argv[1], encoding="utf-8") as cases:
        for line in cases:
            case = json.loads(line)
            judged += 1
            for operation, theirs, ours in differences(case):
                print("seed %d: %s: lxml %r, we %r" % (case["seed"], operation, theirs, ours))
    print("judged %d" % judged)


main()
