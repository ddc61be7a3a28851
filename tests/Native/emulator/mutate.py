#!/usr/bin/env python3
"""Breaks one synchronisation at a time in CUDA kernels and reports which tests notice.

Usage: tests/Native/emulator/mutate.py [--modes race,tests] [--out FILE] [--timeout SECONDS] [--list] [--through FILE.cu]
       [FILE.cu | FILE.h ...]

Without files: every native/ops/*/*.cu, the emulator's own test kernels, and the headers of native/cuda that hold parts of
kernels (tested through the first op that includes them). Each mutant deletes or weakens one barrier, wait, fence, commit,
arrival, atomic or bound, is compiled alone with the flags of a build that exists (artifacts/native/<mode>: run
`cmake --build --preset <mode>` with fovea_cuda_emulated and fovea_emulator_tests first, and fovea_tests of preset tests), is
linked in place of the sound kernel, and meets the tests of its op. A mutant that survives every mode is either equivalent (say
so in the results) or a hole in the tests. Nothing but a scratch folder and the results file is written."""
import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# What is broken: (name, pattern, replacement). A pattern matches the whole of what changes.
STATEMENT = r'(?:\([^;{}]*\)|<[^;{}()]*>\([^;{}]*\))\s*;'
DELETED = ['__syncthreads', '__syncwarp', '__threadfence', '__threadfence_block', 'cp_async_commit', 'cp_async_wait',
           'named_barrier_sync', 'named_barrier_arrive', 'mbarrier_wait', 'mbarrier_arrive', 'mbarrier_arrive_remote',
           'mbarrier_expect', 'fence_mbarrier_init', 'fence_proxy_async', 'wgmma_fence', 'wgmma_commit', 'wgmma_wait',
           'bulk_commit', 'bulk_wait', 'bulk_wait_read', 'grid_sync', 'cluster_sync', 'grid_dependency_wait']
MUTATIONS = [('delete', r'(?<![\w:])' + name + STATEMENT, ';') for name in DELETED] + [
    ('wait for one less', r'\b(cp_async_wait|wgmma_wait|bulk_wait|bulk_wait_read)<([^<>;]*)>', r'\1<(\2) + 1>'),
    ('bytes not announced', r'\bmbarrier_arrive_expect\(([^;,]*),[^;]*\);', r'mbarrier_arrive(\1);'),
    ('one arrival less', r'\bmbarrier_init\(([^;,]*),([^;]*)\);', r'mbarrier_init(\1, (\2) - 1);'),
    ('plain add', r'\batomicAdd\(([^;,]*),([^;]*)\);', r'*(\1) += \2;'),
    ('other parity', r'\bmbarrier_wait\(([^;,]*),([^;]*)\);', r'mbarrier_wait(\1, (\2) ^ 1);'),
    ('relaxed store', r'\bstore_release\(([^;,]*),([^;]*)\);', r'*(\1) = \2;'),
    ('bound off by one', r'(?<=if \()[^;{}()<>=]* < (?!=)[^;{}()<>=&|]*', None),
    ('bound off by one', r'(?<=if \()[^;{}()<>=]* >= [^;{}()<>=&|]*', None),
    ('bound off by one', r'(?<== )[^;{}()<>=?]* < [^;{}()<>=&|?]*(?= \?)', None),
    ('bound off by one', r'(?<=&& )[^;{}()<>=?&|]* < [^;{}()<>=&|?]*', None),
]


# Headers of native/cuda that wrap instructions rather than use them.
LANGUAGE = {'async_copy.h', 'base.h', 'cluster.h', 'convert.h', 'grid.h', 'kernel.h', 'launch.h', 'mbarrier.h', 'memory_order.h',
            'runtime.h', 'tma.h', 'warp_mma.h', 'wgmma.h', 'wgmma_shapes.h'}


def mutants(source):
    """(offset, end, name, text, replacement) for every place; comments and preprocessor lines are left alone."""
    masked = re.sub(r'//[^\n]*|^\s*#[^\n]*', lambda m: ' ' * len(m.group(0)), source, flags=re.M)
    found = {}
    for name, pattern, replacement in MUTATIONS:
        for m in re.finditer(pattern, masked):
            text = source[m.start():m.end()]
            if replacement is None:
                changed = text.replace(' >= ', ' > ', 1) if ' >= ' in text else text.replace(' < ', ' <= ', 1)
            else:
                changed = re.sub(pattern, replacement, text, count=1)
                if name == 'delete' and changed == text:
                    changed = ';'
            if changed != text:
                found[(m.start(), changed)] = (m.start(), m.end(), name, text, changed)
    return [found[k] for k in sorted(found)]


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

    def object_of(self, source):
        relative = os.path.relpath(source, os.path.join(ROOT, os.path.relpath(self.link_folder, self.binary)))
        for argument in self.link:
            if argument.endswith('/' + os.path.basename(source) + '.o'):
                absolute = os.path.normpath(os.path.join(self.link_folder, argument))
                if os.path.basename(os.path.dirname(absolute)) == os.path.basename(os.path.dirname(source)):
                    return argument
        raise SystemExit('mutate: %s is not part of the build in %s (%s)' % (source, self.binary, relative))

    def make(self, source, mutated, scratch):
        """Compiles the mutated text as if it lay in the source's folder and links; None when it does not compile."""
        obj, out = os.path.join(scratch, 'mutant.o'), os.path.join(scratch, os.path.basename(self.output()))
        compiler = self.link[0]
        quiet = ['-w', '-iquote', os.path.dirname(source)]
        first = ['-I' + os.path.join(scratch, 'include')]  # a mutated header hides the sound one
        r = subprocess.run([compiler, *first, *self.flags, *quiet, '-c', mutated, '-o', obj], cwd=self.link_folder,
                           capture_output=True, text=True)
        if r.returncode:
            return None
        own = self.object_of(source)
        command = [obj if a == own else a for a in self.link]
        command[command.index('-o') + 1] = out
        subprocess.run(command, cwd=self.link_folder, check=True, capture_output=True)
        return out

    def output(self):
        return self.link[self.link.index('-o') + 1]


def suites(op):
    """The GoogleTest suites of an op: those of tests/Native/<op>*_test.cc."""
    names = set()
    folder = os.path.join(ROOT, 'tests/Native')
    for name in sorted(os.listdir(folder)):
        if name.startswith(op) and name.endswith('_test.cc') and not name.endswith('_internal_test.cc'):
            names.update(re.findall(r'^TEST(?:_[PF])?\((\w+),', open(os.path.join(folder, name)).read(), flags=re.M))
    return names


def user_of(header):
    """The first kernel file that includes a header of native/."""
    name = os.path.relpath(header, os.path.join(ROOT, 'native'))
    for base, folders, names in os.walk(os.path.join(ROOT, 'native/ops')):
        folders.sort()
        for n in sorted(names):
            if n.endswith('.cu') and '#include "%s"' % name in open(os.path.join(base, n)).read():
                return os.path.join(base, n)
    return None


def outcome(command, environment, timeout):
    """killed (and how) or survived."""
    try:
        r = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, errors='replace',
                           timeout=timeout)
    except subprocess.TimeoutExpired:
        return 'hang', ''
    text = r.stdout + r.stderr
    report = re.search(r'\[emulator\] (.*)', text)
    if report:
        return 'reported', report.group(1)[:150]
    if r.returncode:
        return 'wrong result', ''
    return 'SURVIVED', ''


def commands(source, mode, scratch, mutated):
    """Builds the mutant and says how to test it."""
    if '/tests/Native/emulator/' in source:
        build = Build(mode, 'fovea_emulator_test_kernels', 'fovea_emulator_tests', 'tests/Native/emulator')
        program = build.make(source, mutated, scratch)
        stem = os.path.basename(source).split('.')[0].split('_')[0]
        test = {'basic': 'BasicKernels', 'layouts': 'WgmmaLayouts', 'conformance': 'Conformance'}.get(stem, 'TensorKernels')
        return program and ([program, '--gtest_filter=Emulator.' + test, '--gtest_fail_fast'], {})
    build = Build(mode, 'fovea_cuda_emulated_objects', 'fovea_cuda_emulated', 'native/emulator')
    plugin = build.make(source, mutated, scratch)
    op = os.path.basename(os.path.dirname(source))
    filters = ':'.join('*%s.*' % s for s in sorted(suites(op)))
    program = os.path.join(ROOT, 'artifacts/native/tests/tests/Native/fovea_tests')  # of any build: it loads the plug-in
    return plugin and ([program, '--gtest_filter=' + filters, '--gtest_fail_fast'], {'FOVEA_TEST_PLUGIN': plugin})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='*')
    parser.add_argument('--modes', default='race,tests', help='builds to try, in order, until one kills (default: race,tests)')
    parser.add_argument('--out', help='also append the results to this file')
    parser.add_argument('--timeout', type=float, default=120)
    parser.add_argument('--through', help='the kernel file that tests a mutated header (default: the first that includes it)')
    parser.add_argument('--list', action='store_true', help='only print the mutants')
    arguments = parser.parse_args()
    files = [os.path.abspath(f) for f in arguments.files]
    if not files:
        for folder in ('native/ops', 'tests/Native/emulator/kernels'):
            for base, _, names in os.walk(os.path.join(ROOT, folder)):
                files += [os.path.join(base, n) for n in names if n.endswith('.cu') and not n.startswith('broken')]
        folder = os.path.join(ROOT, 'native/cuda')
        files += [os.path.join(folder, n) for n in os.listdir(folder) if n.endswith('.h') and n not in LANGUAGE]
    out = open(arguments.out, 'a') if arguments.out else None

    def say(line):
        print(line, flush=True)
        if out:
            out.write(line + '\n')
            out.flush()

    survivors, tried, begin = [], 0, time.time()
    scratch = tempfile.mkdtemp(prefix='fovea-mutate-')
    try:
        for source in sorted(files):
            text, short = open(source).read(), os.path.relpath(source, ROOT)
            kernel = source
            if source.endswith('.h'):
                kernel = os.path.abspath(arguments.through) if arguments.through else user_of(source)
            places = mutants(text) if kernel else []
            say('%s: %d mutants' % (short, len(places)))
            for start, end, name, old, new in places:
                line = text.count('\n', 0, start) + 1
                what = '  %4d  %-20s %-60s' % (line, name, ' '.join(old.split())[:60])
                if arguments.list:
                    say(what + ' -> ' + ' '.join(new.split())[:60])
                    continue
                mutated = os.path.join(scratch, os.path.basename(source))
                if kernel != source:
                    mutated = os.path.join(scratch, 'include', os.path.relpath(source, os.path.join(ROOT, 'native')))
                    os.makedirs(os.path.dirname(mutated), exist_ok=True)
                open(mutated, 'w').write(text[:start] + new + text[end:])
                results = []
                for mode in arguments.modes.split(','):
                    job = commands(kernel, mode, scratch, mutated if kernel == source else kernel)
                    if job is None:
                        results.append((mode, 'does not compile', ''))
                        break
                    results.append((mode, *outcome(*job, arguments.timeout)))
                    if results[-1][1] != 'SURVIVED':
                        break
                mode, result, note = results[-1]
                if result != 'does not compile':
                    tried += 1
                if result == 'SURVIVED':
                    survivors.append('%s:%d %s %s' % (short, line, name, ' '.join(old.split())[:80]))
                say('%s %s%s%s' % (what, result, '' if result == 'SURVIVED' else ' (%s)' % mode, ': ' + note if note else ''))
        if not arguments.list:
            say('%d mutants, %d survived, %.0f s' % (tried, len(survivors), time.time() - begin))
            for s in survivors:
                say('  survived: ' + s)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if not survivors else 1


if __name__ == '__main__':
    sys.exit(main())
