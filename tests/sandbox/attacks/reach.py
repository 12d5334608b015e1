"""Attempts to read or write files, and to reach other processes."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Reach
from tests.sandbox.attacks.controls import (
    first_tells,
    may_raise_limits,
    may_trace,
    only_root,
    writable,
)
from tests.sandbox.attacks.ground import CODE, PYTHON

FILES = (
    Reach(
        "read the shadow file",
        "worked = open('/etc/shadow').read() != ''",
        control_needs=only_root,
    ),
    Reach("read the person's ssh keys", "loot = open('<keys>').read()", proof="loot"),
    Reach("read another run's folder", "loot = open('<earlier>').read()", proof="loot"),
    Reach("read held-out labels by their path", "loot = open('<secret>').read()", proof="loot"),
    Reach("read held-out labels from a cache", "loot = open('<cache>').read()", proof="loot"),
    Reach(
        "read held-out labels through what another process holds open",
        "for name in ('fd/0', 'cwd/data/held-out-labels.json', 'root<secret>'):\n"
        "    try: loot += open('/proc/<victim>/' + name).read()\n"
        "    except OSError as error: why = errno.errorcode[error.errno]",
        proof="loot",
        control_needs=may_trace,
    ),
    Reach(
        "open a file by its handle",
        "handle = (ctypes.c_ubyte * 136)(128)\n"
        "mounted, here = ctypes.c_int(), os.open('.', os.O_RDONLY)\n"
        "try: must(libc.name_to_handle_at(-100, b'.', handle, ctypes.byref(mounted), 0))\n"
        "finally: opened = libc.open_by_handle_at(here, handle, 0)\n"
        "must(opened)\nworked = True",
        control_needs=only_root,
    ),
    *(
        Reach(
            f"write to {place}",
            f"open('{place}/hanji-intruder-<mark>', 'x').close()",
            proof="the system",
            control_needs=only_root,
        )
        for place in ("/usr", "/etc", "/", "/dev")
    ),
    Reach(
        "write to the kernel's settings",
        "open('/proc/sys/kernel/core_pattern', 'r+').close()\nworked = True",
        control_needs=only_root,
    ),
    Reach(
        "write into a folder of the harness",
        "open('<folder>/hanji-intruder', 'x').close()",
        proof="a folder of the harness",
    ),
    Reach(
        "alter the result of an earlier trial",
        "open('<earlier>', 'w').write('better')",
        proof="the earlier result",
    ),
    Reach(
        "write a .pth file into the environment of Python",
        "import sysconfig\n"
        "open(sysconfig.get_path('purelib') + '/intruder-<mark>.pth', 'x').write('# nothing')",
        proof="Python's environment",
        control_needs=writable(PYTHON),
    ),
    Reach(
        "write a module that Python imports at its start",
        "import sysconfig\n"  # its real name would run in whatever starts during the control
        "open(sysconfig.get_path('purelib') + '/sitecustomize_<mark>.py', 'x').close()",
        proof="Python's environment",
        control_needs=writable(PYTHON),
    ),
    Reach(
        "write bytecode into Hanji's own code",
        "import sandbox\n"
        "open(sandbox.__path__[0] + '/__pycache__/intruder_<mark>.pyc', 'x').close()",
        proof="Hanji's code",
        control_needs=writable(CODE / "__pycache__"),
    ),
    Reach(
        "write into Hanji's own code",
        "import sandbox\nopen(sandbox.__path__[0] + '/intruder_<mark>.py', 'x').close()",
        proof="Hanji's code",
        control_needs=writable(CODE),
    ),
    Reach(
        "change its inputs",
        "script = next(x for x in (sys.argv[0], '/job/inputs/script.py') if 'script' in x)\n"
        "open(script, 'a').close()\n"
        "worked = True",
    ),
    Reach(
        "make a sparse file of a tebibyte",
        "file = open('x', 'wb')\nfile.truncate(1 << 40)\nworked = True",
        lifts={"file_bytes": 2 << 40},
    ),
    Reach(
        "make a device",
        "os.mknod('device', 0o20600, os.makedev(1, 5))\nos.unlink('device')\nworked = True",
        control_needs=only_root,
    ),
)
PROCESSES = (
    Reach(
        "find a key in another process's environment",
        "import glob\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: loot += open(path).read()\n"
        "    except OSError: pass",
        proof="loot",
        control_needs=may_trace,
    ),
    Reach(
        "read the environment of the first process",
        "worked = open('/proc/1/environ').read() != ''",
        control_needs=first_tells,
    ),
    Reach(
        "gain by writing to the first process",
        "open('/proc/1/mem', 'r+b').close()\n"
        "own, first = (open(f'/proc/{pid}/status').read() for pid in ('self', 1))\n"
        "names = ('CapEff', 'CapPrm', 'NoNewPrivs', 'Seccomp')\n"
        "pick = lambda text: [x for x in text.splitlines() if x.startswith(names)]\n"
        "limits = [x for x in open('/proc/1/limits').readlines() if 'file size' in x]\n"
        "worked = pick(own) != pick(first) or 'unlimited' in limits[0]",
        no_control="outside, the first process is the system's own",
    ),
    Reach("kill a process outside", "os.kill(<victim>, signal.SIGTERM)", proof="the victim"),
    Reach(
        "kill a process outside through a descriptor of it",
        "signal.pidfd_send_signal(os.pidfd_open(<victim>), signal.SIGTERM)",
        proof="the victim",
    ),
    Reach(
        "stop every process that it may",
        "os.kill(<victim>, 0)\nos.kill(<victim>, signal.SIGSTOP)",
        proof="the victim",
    ),
    Reach(
        "trace a process outside",
        "must(libc.ptrace(16, <victim>, 0, 0))\nworked = True\nlibc.ptrace(17, <victim>, 0, 0)",
        control_needs=may_trace,
    ),
    Reach("trace a process of its own", "must(libc.ptrace(0, 0, 0, 0))\nworked = True"),
    Reach(
        "read the memory of a process outside",
        "class Part(ctypes.Structure):\n"
        "    _fields_ = [('at', ctypes.c_void_p), ('bytes', ctypes.c_size_t)]\n"
        "into = ctypes.create_string_buffer(4096)\n"
        "here, there = Part(ctypes.addressof(into), 4096), Part(<stack>, 4096)\n"
        "must(libc.process_vm_readv(<victim>, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))\n"
        "loot = into.raw.decode('latin-1')",
        proof="loot",
        control_needs=may_trace,
    ),
    Reach(
        "write the memory of a process outside",
        "class Part(ctypes.Structure):\n"
        "    _fields_ = [('at', ctypes.c_void_p), ('bytes', ctypes.c_size_t)]\n"
        "from_ = ctypes.create_string_buffer(1)\n"
        "here, there = Part(ctypes.addressof(from_), 1), Part(<stack>, 1)\n"
        "must(libc.process_vm_writev(<victim>, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))\n"
        "worked = True",
        control_needs=may_trace,
    ),
    Reach(
        "open the memory of a process outside",
        "with open('/proc/<victim>/mem', 'r+b', buffering=0) as memory:\n"
        "    memory.seek(<stack>)\n    loot = memory.read(4096).decode('latin-1')",
        proof="loot",
        control_needs=may_trace,
    ),
    Reach(
        "change the limits of a process outside",
        "import resource\nresource.prlimit(<victim>, resource.RLIMIT_CORE, (7, 7))",
        proof="the victim",
    ),
    Reach(
        "slow a process outside down",
        "os.sched_setaffinity(<victim>, {0})\nos.setpriority(os.PRIO_PROCESS, <victim>, 19)\n"
        "worked = True",
    ),
    Reach(
        "raise its own limits",
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1 << 50, 1 << 50))\n"
        "worked = True",
        control_needs=may_raise_limits,
    ),
    Reach(
        "raise the limits of whoever started it",
        "import resource\n"
        "most = resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE)[1]\n"
        "resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (-1, -1))\nworked = most != -1",
        control_needs=may_raise_limits,
    ),
    Reach("become root", "os.setuid(0)\nworked = True", control_needs=only_root),
    Reach(
        "push keys into a terminal",
        "import fcntl, pty, termios\n"
        "pid, leader = pty.fork()\n"
        "if pid == 0:\n"
        "    try: fcntl.ioctl(0, termios.TIOCSTI, b'x')\n"
        "    except OSError as error: os._exit(error.errno)\n"
        "    os._exit(0)\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
        "if code: raise OSError(code, 'refused')\nworked = True",
    ),
)
