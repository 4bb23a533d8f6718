"""The deepest chain of calls of an image, from the graph of calls that the compiler writes at the link (-fcallgraph-info=su).

A call by way of a pointer is in the graph without its target. The line of the source says the name that is called, and of a port
also by which member: all functions of that name count, as far as they are of a class that such a member can be. What a library calls by a
pointer of its own is in POINTERS; a pointer that is not there is never set in an image. Calls that lead nowhere are counted, so that a
new one is seen. A function that calls itself counts once, and what was written in assembly has no size.
"""
import functools
import re

# Members of the ports, in our own code, and which classes of an image are behind them.
MEMBERS = [(r"\blink\b", "TlsLink"), (r"below_|Link\*", "LwipLink"), (r"clock", "TimeKeeper|NoClock"), (r"whole_", "SpiNor|MappedFlash"),
           (r"flash", "FlashPart")]
POINTERS = {
    "f_send": "send_below", "f_recv": "receive_below", "f_rng": "random_numbers", "f_entropy": "mbedtls_entropy_func",
    "f_source": "mbedtls_hardware_poll", "update_checksum": r"ssl_update_checksum_\w+", "calc_finished": r"ssl_calc_finished\w*",
    "calc_verify": r"ssl_calc_verify\w*", "tls_prf": r"tls_prf_\w+", "sign_func": r"\w+_sign_wrap", "verify_func": r"\w+_verify_wrap",
    "check_pair_func": r"\w+_check_pair_wrap", "setkey_enc_func": r"\w+_setkey\w*_wrap", "ecb_func": "aes_crypt_ecb_wrap",
    "ctx_alloc_func": r"\w+_ctx_alloc", "ctx_free_func": r"\w+_ctx_free", "can_do": r"\w+_can_do", "f_vrfy": "judge_dates",
    "entropy_init": "mbedtls_entropy_init", "entropy_free": "mbedtls_entropy_free",
    "callback": "buf_read", "handler": r"\w+_te?mr|\w+_timer", "recv": "dhcp_recv", "output": "etharp_output", "linkoutput": "send",
    "input": "ethernet_input", "TCP_EVENT_RECV": "received", "TCP_EVENT_CLOSED": "received", "TCP_EVENT_SENT": "sent",
    "TCP_EVENT_CONNECTED": "connected", "TCP_EVENT_ERR": "failed",
    "huf_compress": r"HUF_compress\dX_repeat", "blockCompressor": r"ZSTD_compressBlock_fast\w*", "matchFound": r"ZSTD_match4Found\w+",
    "record_f": r"ZSTD_recordFingerprint_\d+",
}
# What is behind a port that no image has (agent::Models).
ABSENT = re.compile(r"11ModelKeeper(8remember|13forget_others|6choose)")
OURS = re.compile(r"(?:.*/)?((?:agent|common)/.*)")
INTERRUPTS = ("tick_handler", "board_handler")
INTERRUPT_FRAME_BYTES = 104  # what a processor with a floating-point unit puts on the stack


@functools.cache
def lines_of(file):
    return file.read_text(errors="replace").splitlines() if file.exists() else []


def statement_at(top, place):
    """The source from the start of the line on, up to the end of the statement, and the column in it."""
    file, line, column = place.rsplit(":", 2)
    ours = OURS.fullmatch(file)
    lines = lines_of(top / ours[1] if ours and "/src/" not in file else top / file)
    at, text = int(line) - 1, ""
    while at < len(lines) and len(text) < 500:
        text += lines[at] + "\n"
        if ";" in lines[at]:
            break
        at += 1
    return text, int(column) - 1, bool(ours) and "/src/" not in file


def targets_of(top, place, by_name):
    """The functions that a call by way of a pointer at this place may reach."""
    text, column, ours = statement_at(top, place)
    exact = re.search(r"(\S*?)(\w+)$", text[:column]) if text[column:column + 1] == "(" else None
    called = [exact.groups()] if exact else re.findall(r"(\S*?)\b(\w+)\s*\(", text)
    found = set()
    for before, name in called:
        if not ours or name not in by_name:
            found |= {each for other, nodes in by_name.items() if re.fullmatch(POINTERS.get(name, "-"), other) for each in nodes}
            continue
        classes = next((classes for member, classes in MEMBERS if re.search(member, before)), "")
        found |= {each for each in by_name.get(name, ()) if re.search(rf"\d(?:{classes})" if classes else "", each)}
    return found


def deepest_stack(top, graph):
    """Bytes, and how many calls by way of a pointer lead to no function that is known."""
    own, calls, by_name, deepest = {}, {}, {}, {}
    indirect = []
    for line in graph.splitlines():
        if node := re.match(r'node: { title: "([^"]*)" label: "([^"]*?)(\d+) bytes', line):
            own[node[1]] = int(node[3])
            by_name.setdefault(re.split(r"\.|\\n", node[2])[0], set()).add(node[1])
        elif edge := re.match(r'edge: { sourcename: "([^"]*)" targetname: "([^"]*)" label: "([^"]*)"', line):
            if edge[2] == "__indirect_call":
                indirect.append((edge[1], edge[3]))
            else:
                calls.setdefault(edge[1], set()).add(edge[2])
    own = {each: size for each, size in own.items() if not ABSENT.search(each)}
    calls = {caller: {each for each in called if not ABSENT.search(each)} for caller, called in calls.items()}
    unknown = 0
    for caller, place in indirect:
        targets = targets_of(top, place, by_name)
        unknown += not targets
        calls.setdefault(caller, set()).update(targets)

    def below(function, callers=frozenset()):
        if function not in deepest:
            inner = callers | {function}
            deepest[function] = own.get(function, 0) + max((below(each, inner) for each in calls.get(function, set()) - inner), default=0)
        return deepest[function]
    reset, *interrupts = (max(map(below, by_name[name])) for name in ("reset_handler", *INTERRUPTS))
    return reset + max(interrupts) + INTERRUPT_FRAME_BYTES, unknown
