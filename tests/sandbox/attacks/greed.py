"""Attempts to take more than the policy gives. `{times}` and `{linger}` bound the controls."""

from __future__ import annotations

from sandbox.policy import MIB
from tests.sandbox.attacks.attack import Greed

MEMORY = {"memory_bytes": 1024 * MIB}
DISK = {"disk_bytes": 64 * MIB, "file_bytes": 64 * MIB}
MANY = {"processes": 200}
LOG = {"log_bytes": 4 * MIB}
GREED = (
    Greed(
        "fill memory in one process",
        "held = bytearray(400 << 20)\ntime.sleep({linger})",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory in eight processes",
        "children = []\n"
        "for _ in range(7):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        held = bytearray(50 << 20)\n        time.sleep({linger})\n        os._exit(0)\n"
        "    children.append(pid)\n"
        "held = bytearray(50 << 20)\ntime.sleep({linger})\n"
        "for pid in children: os.waitpid(pid, 0)",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory that only a dead process touched",
        "import mmap\nheld = mmap.mmap(-1, 400 << 20)\n"
        "for part in range(4):\n"
        "    if os.fork() == 0:\n"
        "        for at in range(part * 100 << 20, (part + 1) * 100 << 20, 4096): held[at] = 1\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "time.sleep({linger})",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory that only dead processes touched, a part of it in each of six",
        "import mmap\nchildren = []\n"
        "for _ in range(6):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        held = mmap.mmap(-1, 60 << 20)\n"
        "        if os.fork() == 0:\n"
        "            for at in range(0, 60 << 20, 4096): held[at] = 1\n"
        "            os._exit(0)\n"
        "        os.wait(), time.sleep({linger}), os._exit(0)\n"
        "    children.append(pid)\n"
        "for pid in children: os.waitpid(pid, 0)",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory when its first thread has ended",
        "import threading\n"
        "def fill():\n"
        "    held = bytearray(400 << 20)\n    time.sleep({linger})\n"
        "    told = json.dumps({'worked': True, 'loot': '', 'why': ''})\n"
        "    pathlib.Path('result.json').write_text(told)\n    os._exit(0)\n"
        "threading.Thread(target=fill).start()\n"
        "ctypes.CDLL(None).syscall(<nr:exit>, 0)",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory with lists of mappings",
        "libc, pages, children = ctypes.CDLL(None), 60_000, []\n"
        "libc.mmap.restype = ctypes.c_void_p\n"
        "at = libc.mmap(None, ctypes.c_size_t(pages << 12), 0, 0x22, -1, 0)\n"
        "for page in range(0, pages, 2):\n"
        "    libc.mprotect(ctypes.c_void_p(at + (page << 12)), ctypes.c_size_t(4096), 1)\n"
        "for _ in range(24):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: time.sleep({linger}), os._exit(0)\n"
        "    children.append(pid)\n"
        "for pid in children: os.waitpid(pid, 0)",
        policy={"processes": 40},
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory with the tables of pages that hold nothing",
        "import mmap\nno_reserve, whole = 0x4000, 1 << 44\n"
        "held = mmap.mmap(-1, whole, mmap.MAP_PRIVATE | no_reserve, mmap.PROT_READ)\n"
        "held.madvise(mmap.MADV_NOHUGEPAGE)\n"
        "for at in range(0, min({times}, 200_000) << 21, 1 << 21): held[at]\n"
        "time.sleep({linger})",
        limit="memory",
        times=100_000,
        lifts=MEMORY,
    ),
    Greed(
        "fill memory with what waits in sockets",
        "children, pairs, sent = [], [], 0\n"
        "for _ in range(2):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: break\n"
        "    children.append(pid)\n"
        "for _ in range(480):\n"
        "    pairs.append(socket.socketpair())\n"
        "    for one in pairs[-1]:\n"
        "        one.setblocking(False)\n"
        "        try:\n"
        "            while True: sent += one.send(bytes(1 << 16))\n"
        "        except BlockingIOError: pass\n"
        "time.sleep({linger})\n"
        "if pid == 0: os._exit(sent < 100 << 20)\n"
        "for pid in children: assert os.waitpid(pid, 0)[1] == 0\n"
        "assert sent > 100 << 20",
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill memory with what waits in pipes",
        "children = []\n"
        "for _ in range(28):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        ends = []\n"
        "        for _ in range(1000):\n"
        "            reading, writing = os.pipe()\n"
        "            os.write(writing, bytes(4096))\n"
        "            os.close(writing), ends.append(reading)\n"
        "        time.sleep({linger}), os._exit(0)\n"
        "    children.append(pid)\n"
        "for pid in children: assert os.waitpid(pid, 0)[1] == 0",
        policy={"processes": 40},
        limit="memory",
        lifts=MEMORY,
    ),
    Greed(
        "fill its workspace",
        "for name in 'abc': open(name, 'wb').write(bytes(8 << 20))",
        "D/K",
        limit="disk",
        lifts=DISK,
    ),
    Greed(
        "fill its workspace with a file that is deleted but open",
        "kept = []\n"
        "for name in 'abc':\n"
        "    kept.append(open(name, 'wb', buffering=0))\n    os.unlink(name)\n"
        "    try: kept[-1].write(bytes(8 << 20))\n"
        "    except OSError: time.sleep({linger})\n"  # who ends at once has given it back
        "time.sleep({linger})",
        "D/K",
        limit="disk",
        lifts=DISK,
    ),
    Greed(
        "fill shared memory",
        "for number in range(24): open(f'/dev/shm/<mark>-{number}', 'wb').write(bytes(1 << 20))\n"
        "time.sleep({linger})",
        "D/K",
        limit="disk",
        lifts=DISK,
    ),
    Greed(
        "fill the folder for temporary files",
        "import tempfile\nwhere = tempfile.gettempdir()\n"
        "for number in range(24):\n"
        "    try: open(f'{where}/<mark>-{number}', 'wb').write(bytes(1 << 20))\n"
        "    except OSError: time.sleep({linger})\n"
        "time.sleep({linger})",
        "D/K",
        limit="disk",
        lifts=DISK,
    ),
    Greed(
        "write one file without end",
        "with open('x', 'wb') as file:\n    for _ in range(13): file.write(bytes(1 << 20))",
        "D/K",
        limit="file",
        lifts=DISK,
    ),
    Greed(
        "make files without number",
        "for number in range(min({times}, 100_000)):\n"
        "    try: open(str(number), 'w').close()\n"
        "    except OSError: time.sleep({linger})\n"
        "time.sleep({linger})",
        "D/K",
        limit="inodes",
        times=800,
        lifts={"inodes": 4000},
    ),
    Greed(
        "fork without end",
        "first, made = os.getpid(), 0\n"
        "while made < {times}:\n"
        "    try:\n"
        "        made += 1\n"
        "        if os.fork() == 0 and {times} < 1000: time.sleep({linger}), os._exit(0)\n"
        "    except OSError: pass\n"
        "for _ in range({times}): os.wait()",
        "D/K",
        limit="processes",
        times=40,
        lifts=MANY,
    ),
    Greed(
        "start threads without end",
        "import threading\nthreading.stack_size(65536)\n"
        "for _ in range(min({times}, 10_000)):\n"
        "    try: threading.Thread(target=time.sleep, args=({linger},)).start()\n"
        "    except RuntimeError: time.sleep({linger})",
        "D/K",
        limit="processes",
        times=40,
        lifts=MANY,
    ),
    Greed(
        "print without end",
        "for _ in range({times}): print('again' * 20)",
        limit="log",
        times=8000,
        lifts=LOG,
    ),
    Greed(
        "print without a line's end, and no text",
        "for _ in range({times}): os.write(2, b'\\xff' * 9999)",
        limit="log",
        times=80,
        lifts=LOG,
    ),
    Greed(
        "compute without end",
        "end = time.process_time() + {linger}\nwhile time.process_time() < end + 0.4: pass",
        policy={"cpu_s": 0.4},
        limit="cpu",
    ),
    Greed(
        "compute in children that it never waits for, one after another",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(min({times}, 60)):\n"
        "    if os.fork() == 0:\n"
        "        end = time.process_time() + 0.3\n"
        "        while time.process_time() < end: pass\n"
        "        os._exit(0)\n"
        "    try: os.wait()\n    except ChildProcessError: pass",  # forgotten all the same
        policy={"cpu_s": 1.2},
        limit="cpu",
        times=5,
    ),
    Greed(
        "start itself anew to begin with a fresh clock",
        "before = int(os.environ.get('STARTS', 0))\nos.environ['STARTS'] = str(before + 1)\n"
        "end = time.process_time() + 0.3\n"
        "while time.process_time() < end: pass\n"
        "if before < min({times}, 60):\n"
        "    pid = os.fork()\n"
        "    if pid: os.waitpid(pid, 0), os._exit(0)\n"
        "    script = next(x for x in (sys.argv[0], '/job/inputs/script.py') if 'script' in x)\n"
        "    os.execv(sys.executable, ['python', '-P', script, '<mark>'])",
        policy={"cpu_s": 1.2},
        limit="cpu",
        times=4,
    ),
    Greed(
        "sleep past its time and ignore signals",
        "for one in (signal.SIGTERM, signal.SIGINT): signal.signal(one, signal.SIG_IGN)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(0.5 + {linger})",
        policy={"wall_s": 0.5},
        limit="wall",
    ),
)
