#!/usr/bin/env python3
"""Breaks CUDA kernels one place at a time and records which tests notice.

Usage: tests/Native/emulator/mutate.py [--limit N] [--seed S] [--modes tests,race] [--minutes M] [--program FILE] [--list]
       [--through FILE.cu] [FILE.cu | FILE.h ...]

Without files: every kernel of native/ops, the headers there and in native/cuda that hold parts of kernels (tested through an op
that includes them) and the emulator's own test kernels. Of each file a seeded choice of N places is taken, of each kind of
mistake in turn: a barrier, wait, fence or commit that is missing, a bound that is one off, a tail that is left out, a wrong
stride, sign, zero, minimum. A mutant is compiled alone with the flags of a build that exists (artifacts/native/<mode>: targets
fovea_cuda_emulated, fovea_emulator_tests and, of preset tests, fovea_tests), linked in place of the sound kernel, and meets the
tests of its op, in one mode after the other until one kills it.

Results are kept in mutate.results.txt: what is in there is not run again while the file it was made of is the same, so a run
can be stopped at any time and goes on where it was. A survivor is either equivalent or a hole in the tests; the reason is
written behind its line by hand and stays. Nothing else is written but a scratch folder."""
import argparse
import glob
import hashlib
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
RESULTS = os.path.join(HERE, 'mutate.results.txt')

# What is broken: (kind, pattern, replacement). A pattern matches the whole of what changes.
STATEMENT = r'(?:\([^;{}]*\)|<[^;{}()]*>\([^;{}]*\))\s*;'
DELETED = ['__syncthreads', '__syncwarp', '__threadfence', '__threadfence_block', 'cp_async_commit', 'cp_async_wait',
           'named_barrier_sync', 'named_barrier_arrive', 'mbarrier_wait', 'mbarrier_arrive', 'mbarrier_arrive_remote',
           'mbarrier_expect', 'fence_mbarrier_init', 'fence_proxy_async', 'wgmma_fence', 'wgmma_commit', 'wgmma_wait',
           'bulk_commit', 'bulk_wait', 'bulk_wait_read', 'grid_sync', 'cluster_sync', 'grid_dependency_wait']
TERM = r'[^;{}()<>=&|?]*'
MUTATIONS = [('no barrier', r'(?<![\w:])' + name + STATEMENT, ';') for name in DELETED] + [
    ('wait for one less', r'\b(cp_async_wait|wgmma_wait|bulk_wait|bulk_wait_read)<([^<>;]*)>', r'\1<(\2) + 1>'),
    ('bytes not announced', r'\bmbarrier_arrive_expect\(([^;,]*),[^;]*\);', r'mbarrier_arrive(\1);'),
    ('one arrival less', r'\bmbarrier_init\(([^;,]*),([^;]*)\);', r'mbarrier_init(\1, (\2) - 1);'),
    ('plain add', r'\batomicAdd\(([^;,]*),([^;]*)\);', r'*(\1) += \2;'),
    ('other parity', r'\bmbarrier_wait\(([^;,]*),([^;]*)\);', r'mbarrier_wait(\1, (\2) ^ 1);'),
    ('relaxed store', r'\bstore_release\(([^;,]*),([^;]*)\);', r'*(\1) = \2;'),
    # In conditions and in the bounds of loops.
    ('bound', r'(?<=if \()' + TERM + r' (?:<|>=) (?!=)' + TERM, None),
    ('bound', r'(?<=&& )' + TERM + r' (?:<|>=) (?!=)' + TERM, None),
    ('bound', r'(?<== )' + TERM + r' < ' + TERM + r'(?= \?)', None),
    ('bound', r'(?<=; )\w+ < (?!=)[^;{}<>=?]*(?=;)', None),
    ('tail left out', r'\((\w+(?:\.\w+)*) \+ (\w[\w:]*) - 1\) / \2\b', r'(\1 / \2)'),
    ('stride', r'(?<=\* )((?:\w+(?:\.|->))*\w*(?:pitch|stride|step)\w*)\b(?!\()', r'(\1 + 1)'),
    ('sign', r'(?<=[\w)\]]) - (?=[a-zA-Z_(])', ' + '),
    ('sign', r'(?<=[\w)\]]) \+ (?=[a-zA-Z_(])', ' - '),
    ('zero', r'(?<=[:=] )0(?:\.0f)?(?=[;,)])', '1'),
    ('other extreme', r'\bf(min|max)f\(', lambda m: 'fmaxf(' if m.group(1) == 'min' else 'fminf('),
    ('other extreme', r'\b(Maximum|Minimum)\{\}', lambda m: 'Minimum{}' if m.group(1) == 'Maximum' else 'Maximum{}'),
    ('sum lost', r'(?<=[\w\])]) \+= (?=[^;(){}]*(?:\([^()]*\)[^;(){}]*)*;)', ' = '),  # a statement, no step of a loop
]
# The kernel file that uses most of a header.
USERS = {'rank_sort.h': 'native/ops/decode_boxes/decode_boxes.cu', 'gemm_tile.h': 'native/ops/matmul/matmul.cu',
         'mma_product.h': 'native/ops/matmul/matmul.cu', 'pack.h': 'native/ops/pool2d/pool2d.cu',
         'conv2d_axis.h': 'native/ops/conv2d/conv2d_f32.cu', 'conv2d_mma_tile.h': 'native/ops/conv2d/conv2d_tf32.cu',
         'deform_device.h': 'native/ops/deform_conv2d/deform_conv2d.cu',
         'reduce.h': 'native/ops/recurrent_backward/recurrent_backward.cu'}
# Headers of native/cuda that wrap instructions rather than use them.
LANGUAGE = {'async_copy.h', 'base.h', 'cluster.h', 'convert.h', 'grid.h', 'kernel.h', 'launch.h', 'mbarrier.h',
            'memory_order.h', 'runtime.h', 'tma.h', 'warp_mma.h', 'wgmma.h', 'wgmma_shapes.h'}
# Tests of an op beyond those that bear its name.
MORE_TESTS = {'linear': ['f32_products'], 'matmul': ['f32_products'], 'conv2d': ['f32_products', 'conv_transpose2d'],
              'conv2d_backward': ['f32_products'], 'soft_nms': ['guided_nms']}


def masked(source):
    """The source with everything blank but the bodies of device functions; comments in them too."""
    text = re.sub(r'//[^\n]*|^\s*#[^\n]*', lambda m: ' ' * len(m.group(0)), source, flags=re.M)
    keep = bytearray(len(text))
    for m in re.finditer(r'\b(?:__global__|__device__|FOVEA_DEVICE)\b', text):
        depth, at = 0, m.end()
        while at < len(text) and not (depth == 0 and text[at] in '{;'):
            depth += {'(': 1, ')': -1}.get(text[at], 0)
            at += 1
        if at == len(text) or text[at] == ';':
            continue
        begin, depth = at, 0
        while True:
            depth += {'{': 1, '}': -1}.get(text[at], 0)
            at += 1
            if depth == 0:
                break
        keep[begin:at] = b'\1' * (at - begin)
    return ''.join(c if k or c == '\n' else ' ' for c, k in zip(text, keep))


def mutants(source):
    """(offset, end, kind, text, replacement) for every place."""
    text, found = masked(source), {}
    for kind, pattern, replacement in MUTATIONS:
        for m in re.finditer(pattern, text):
            old = m.group(0)
            if replacement is None:
                new = old.replace(' >= ', ' > ', 1) if ' >= ' in old else old.replace(' < ', ' <= ', 1)
            elif replacement == ';':
                new = ';'
            else:
                new = m.expand(replacement) if isinstance(replacement, str) else replacement(m)
            if new != old:
                found.setdefault((m.start(), new), (m.start(), m.end(), kind, old, new))
    return [found[k] for k in sorted(found)]


def choose(places, limit, seed):
    """`limit` of the places, of each kind in turn."""
    generator, kinds = random.Random(seed), {}
    for p in places:
        kinds.setdefault(p[2], []).append(p)
    for group in kinds.values():
        generator.shuffle(group)
    order = sorted(kinds)
    generator.shuffle(order)
    chosen = []
    while len(chosen) < min(limit, len(places)):
        chosen += [kinds[k].pop() for k in order if kinds[k]]
    return sorted(chosen[:limit])


class Build:
    """The flags and link command that CMake wrote for an object library and the target that links it."""

    def __init__(self, mode, objects, target, folder):
        self.binary = os.path.join(ROOT, 'artifacts/native', mode)
        self.objects = os.path.join(self.binary, folder, 'CMakeFiles', objects + '.dir')
        self.link_folder = os.path.join(self.binary, folder)
        values = {}
        for line in open(os.path.join(self.objects, 'flags.make')):
            m = re.match(r'CXX_(FLAGS|DEFINES|INCLUDES) = (.*)', line)
            if m:
                values[m.group(1)] = shlex.split(m.group(2))
        self.flags = values['DEFINES'] + values['INCLUDES'] + values['FLAGS']
        self.link = shlex.split(open(os.path.join(self.link_folder, 'CMakeFiles', target + '.dir', 'link.txt')).read())
        self.output = self.link[self.link.index('-o') + 1]

    def object_of(self, source):
        for argument in self.link:
            if argument.endswith('/' + os.path.basename(source) + '.o'):
                absolute = os.path.normpath(os.path.join(self.link_folder, argument))
                if os.path.basename(os.path.dirname(absolute)) == os.path.basename(os.path.dirname(source)):
                    return argument
        raise SystemExit('mutate: %s is not part of the build in %s' % (source, self.binary))

    def make(self, source, mutated, scratch):
        """Compiles the mutated text as if it lay in the source's folder and links; None when it does not compile."""
        obj, out = os.path.join(scratch, 'mutant.o'), os.path.join(scratch, os.path.basename(self.output))
        quiet = ['-w', '-iquote', os.path.dirname(source)]
        first = ['-I' + os.path.join(scratch, 'include')]  # a mutated header hides the sound one
        r = subprocess.run([self.link[0], *first, *self.flags, *quiet, '-xc++', '-c', mutated, '-o', obj], cwd=self.link_folder,
                           capture_output=True, text=True)
        if r.returncode:
            return None
        own = self.object_of(source)
        command = [obj if a == own else a for a in self.link]
        command[command.index('-o') + 1] = out
        subprocess.run(command, cwd=self.link_folder, check=True, capture_output=True)
        return out


def suites(op):
    """The GoogleTest suites of an op: of tests/Native/<op>*_test.cc, where no other op's name fits better."""
    ops, folder, names = sorted(os.listdir(os.path.join(ROOT, 'native/ops'))), os.path.join(ROOT, 'tests/Native'), set()
    for name in sorted(os.listdir(folder)):
        stem = name[:-len('_test.cc')]
        if not name.endswith('_test.cc') or name.endswith('_internal_test.cc'):
            continue
        own = max((o for o in ops if stem == o or stem.startswith(o + '_')), key=len, default=None)
        if own == op or stem in MORE_TESTS.get(op, []):
            names.update(re.findall(r'^TEST(?:_[PF])?\((\w+),', open(os.path.join(folder, name)).read(), flags=re.M))
    if not names and op.endswith('_backward'):
        return suites(op[:-len('_backward')])  # tested in one file
    return names


def user_of(header):
    """The kernel file that tests a header of native/: USERS says, or the first that includes it, its own op's before others."""
    name = os.path.relpath(header, os.path.join(ROOT, 'native'))
    if os.path.basename(name) in USERS:
        return os.path.join(ROOT, USERS[os.path.basename(name)])
    own = os.path.dirname(header)
    kernels = sorted(glob.glob(os.path.join(ROOT, 'native/ops/*/*.cu')), key=lambda k: (os.path.dirname(k) != own, k))
    return next((k for k in kernels if '#include "%s"' % name in open(k).read()), None)


class Subject:
    """A kernel file in one build: how to make it, and which tests it must pass, those of the op of `user`."""

    def __init__(self, kernel, user, mode, program):
        own = '/tests/Native/emulator/' in kernel
        if own:
            self.build = Build(mode, 'fovea_emulator_test_kernels', 'fovea_emulator_tests', 'tests/Native/emulator')
            stem = os.path.basename(kernel).split('.')[0].split('_')[0]
            test = {'basic': 'Emulator.BasicKernels', 'layouts': 'Emulator.WgmmaLayouts', 'tf32': 'Tf32.*',
                    'conformance': 'Emulator.Conformance'}.get(stem, 'Emulator.TensorKernels')
        else:
            self.build = Build(mode, 'fovea_cuda_emulated_objects', 'fovea_cuda_emulated', 'native/emulator')
            names = sorted(suites(os.path.basename(os.path.dirname(user))))
            test = ':'.join('%s.*:*/%s.*' % (s, s) for s in names)
        self.kernel, self.own, self.filter = kernel, own, '--gtest_filter=' + test
        self.program, self.seconds = program, None
        # One order of threads is enough for a race detector that knows what is ordered.
        self.environment = {'FOVEA_TEST_SCHEDULES': '1'} if mode == 'race' else {}

    def run(self, built, timeout):
        program, environment = (built, {}) if self.own else (self.program, {'FOVEA_TEST_PLUGIN': built})
        return subprocess.run([program, self.filter, '--gtest_fail_fast'], capture_output=True, text=True, errors='replace',
                              env={**os.environ, **self.environment, **environment}, timeout=timeout)

    def outcome(self, mutated, scratch):
        """How the mutant was killed, or SURVIVED."""
        if self.seconds is None:  # the sound kernel passes, and how long that takes
            begin = time.time()
            r = self.run(os.path.join(self.build.link_folder, self.build.output), 600)
            if r.returncode or '[  PASSED  ] 0 tests' in r.stdout:
                raise SystemExit('mutate: the sound %s fails, or has no tests (%s)\n%s' %
                                 (self.kernel, self.filter, r.stdout[-2000:] + r.stderr[-2000:]))
            self.seconds = time.time() - begin
        built = self.build.make(self.kernel, mutated, scratch)
        if built is None:
            return 'does not compile'
        try:
            r = self.run(built, 10 + 5 * self.seconds)
        except subprocess.TimeoutExpired:
            return 'hangs'
        report = re.search(r'\[emulator\] (?:kernel [^\n]*?thread \([\d,]*\): )?(.*)', r.stdout + r.stderr)
        if report:
            text = re.sub(r'0x[0-9a-f]+', '0x..', ' '.join(report.group(1).split()))  # addresses change from run to run
            return 'reported: ' + text.replace(scratch + '/', '')[:70]
        return 'wrong result' if r.returncode else 'SURVIVED'


class Results:
    """mutate.results.txt. A file's line is `path hash: ...`, a mutant's `  line | kind | change | mode: outcome | reason`."""

    HEADER = ('# Mutants of CUDA kernels and what became of them, as mutate.py writes it. A file that is not here was not\n'
              '# run. Where a mutant survived every build, the last column says why: it is equivalent, or what was added to\n'
              '# the tests since.\n')

    def __init__(self):
        self.files = {}  # path -> (hash, {(line, kind, change): [outcome, reason]})
        current = None
        for line in open(RESULTS) if os.path.exists(RESULTS) else []:
            m = re.match(r'(\S+\.(?:cu|h)) ([0-9a-f]{8}):', line)
            if m:
                current = self.files.setdefault(m.group(1), (m.group(2), {}))[1]
            elif line.startswith('  ') and current is not None:
                number, kind, change, result, reason = [part.strip() for part in (line.rstrip('\n') + ' ').split(' | ', 4)]
                current[int(number), kind, change] = [result, reason]

    def of(self, path, digest):
        if self.files.get(path, ('', {}))[0] != digest:
            self.files[path] = (digest, {})
        return self.files[path][1]

    def counts(self, entries):
        tried = [e[0] for e in entries if e[0] != 'does not compile']
        return len(tried), sum(t.startswith('tests') for t in tried), sum(t.startswith('race') for t in tried), \
            sum(t == 'SURVIVED' for t in tried)

    def summary(self):
        everything = [e for _, entries in self.files.values() for e in entries.values()]
        return '%d files, %d mutants: %d killed by the plain build, %d more by the race build, %d survived' % (
            sum(bool(entries) for _, entries in self.files.values()), *self.counts(everything))

    def write(self):
        with open(RESULTS + '.new', 'w') as out:
            out.write(self.HEADER + '# ' + self.summary() + '\n')
            for path in sorted(self.files):
                digest, entries = self.files[path]
                if not entries:
                    continue
                out.write('\n%s %s: %d mutants, killed %d plain, %d race; %d survived\n' %
                          (path, digest, *self.counts(entries.values())))
                for (line, kind, change), (result, reason) in sorted(entries.items()):
                    out.write(('  %d | %s | %s | %s | %s' % (line, kind, change, result, reason)).rstrip() + '\n')
        os.replace(RESULTS + '.new', RESULTS)


def all_files():
    patterns = ['native/ops/*/*.cu', 'native/ops/*/*.h', 'native/cuda/*.cu', 'native/cuda/*.h',
                'tests/Native/emulator/kernels/*.cu']
    files = sorted(f for p in patterns for f in glob.glob(os.path.join(ROOT, p)))
    return [f for f in files if os.path.basename(f) not in LANGUAGE and not os.path.basename(f).startswith('broken')]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='*')
    parser.add_argument('--limit', type=int, default=6, help='most mutants of a file (default: 6)')
    parser.add_argument('--seed', default='1', help='another choice of places')
    parser.add_argument('--modes', default='tests,race', help='builds to try, in order, until one kills (default: tests,race)')
    parser.add_argument('--minutes', type=float, default=1e9, help='begin no mutant after this time')
    parser.add_argument('--program', default=os.path.join(ROOT, 'artifacts/native/tests/tests/Native/fovea_tests'),
                        help='the test program that loads the plug-ins')
    parser.add_argument('--through', help='the kernel file that tests a mutated header (default: the first that includes it)')
    parser.add_argument('--list', action='store_true', help='only print the mutants')
    arguments = parser.parse_args()
    results, begin = Results(), time.time()
    scratch = tempfile.mkdtemp(prefix='fovea-mutate-')
    try:
        for source in [os.path.abspath(f) for f in arguments.files] or all_files():
            text, short = open(source).read(), os.path.relpath(source, ROOT)
            header, user = source.endswith('.h'), source
            if header or '/native/cuda/' in source:
                user = os.path.abspath(arguments.through) if arguments.through else user_of(source.replace('.cu', '.h'))
            own = source[:-len('h')] + 'cu'  # what is compiled: a header's own kernel file, if it has one
            kernel = source if not header else own if os.path.exists(own) else user
            places = choose(mutants(text), arguments.limit, arguments.seed + short) if user else []
            known = results.of(short, hashlib.sha256(text.encode()).hexdigest()[:8]) if not arguments.list else {}
            subjects = {}
            for start, end, kind, old, new in places:
                line = text.count('\n', 0, start) + 1
                around = text[text.rfind('\n', 0, start) + 1:start][-24:].lstrip()
                change = ' '.join(('%s[%s -> %s]' % (around, old, new)).split()).replace(' | ', ' || ')
                if arguments.list:
                    print('%s:%d  %s  %s' % (short, line, kind, change))
                if arguments.list or (line, kind, change) in known or time.time() - begin > 60 * arguments.minutes:
                    continue
                mutated = os.path.join(scratch, 'include', os.path.relpath(source, os.path.join(ROOT, 'native'))) if header \
                    else os.path.join(scratch, os.path.basename(source))
                os.makedirs(os.path.dirname(mutated), exist_ok=True)
                open(mutated, 'w').write(text[:start] + new + text[end:])
                for mode in arguments.modes.split(','):
                    if mode not in subjects:
                        subjects[mode] = Subject(kernel, user, mode, arguments.program)
                    outcome = subjects[mode].outcome(kernel if header else mutated, scratch)
                    if outcome != 'SURVIVED':
                        outcome = outcome if outcome == 'does not compile' else mode + ': ' + outcome
                        break
                shutil.rmtree(os.path.join(scratch, 'include'), ignore_errors=True)
                known[line, kind, change] = [outcome, '']
                results.write()
                print('%s:%d  %s  %s  %s' % (short, line, kind, change, outcome), flush=True)
        if not arguments.list:
            print(results.summary() + ', %.0f s' % (time.time() - begin))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
