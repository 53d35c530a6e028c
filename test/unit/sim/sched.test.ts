/** What the hypervisor knows and libxl's record does not hear of: weight and cap, affinity, cpupools. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCpus, printCpus } from '../../../src/sim/cpus.ts';
import { failing, guestOf, withGuest } from './farm.ts';

const record = (b: Awaited<ReturnType<typeof withGuest>>): string =>
  b.world.files.text('/var/lib/xen/userdata-d.1.5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001.libxl-json') ?? '';

describe('CPU lists', () => {
  it.each([
    ['0-1', [0, 1]],
    ['2,0', [0, 2]],
    ['all,^1', [0, 2, 3, 4, 5, 6, 7]],
    ['nodes:0,^3', [0, 1, 2]],
  ])('reads %s on four CPUs', (text, cpus) => expect(parseCpus(text, 4)).toEqual(cpus));
  it.each([
    [[0, 1, 2, 3], 'all'],
    [[0, 2, 3], '0,2-3'],
    [[1], '1'],
    [[7], 'none'],
  ])('prints %j', (cpus, text) => expect(printCpus(cpus, 4)).toBe(text));
  it('complains as xl does', () => {
    expect(parseCpus('x', 4)).toEqual({ error: 'Invalid pcpu range: x.\n' });
    expect(parseCpus('^all', 4)).toEqual({ error: 'Can\'t combine "^" and "all".\n' });
  });
});

describe('the scheduler', () => {
  it('takes weight and cap of the cfg, and of a hand, of which the record hears nothing', async () => {
    const b = await withGuest({ cpu_weight: '512', cap: '50' });
    expect((await b.run('xl sched-credit2')).out).toBe(
      'Cpupool Pool-0: ratelimit=1000us\n' +
        'Name                                ID Weight  Cap\n' +
        'Domain-0                             0    256    0\n' +
        'a                                    1    512   50\n',
    );
    expect((await b.run('xl sched-credit2 -d a -w 300 -c 0')).rc).toBe(0);
    expect((await b.run('xl sched-credit2 -d 1')).out).toContain(
      'a                                    1    300    0\n',
    );
    expect(record(b)).toContain('"weight": 512,\n            "cap": 50\n');
    await b.run('xl reboot a');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ domid: 2, weight: 300, cap: 0 });
  });
  it.each([
    ['xl sched-credit2 -d a -w 70000', 'Cpu weight out of range, valid values are within range from 1 to 65535\n'],
    [
      'xl sched-credit2 -d a -c 201',
      'Cpu cap out of range, valid range is from 0 to 200 for specified number of vcpus\n',
    ],
    ['xl sched-credit2 -w 3', 'Must specify a domain.\n'],
    ['xl sched-credit2 -d z -w 3', 'z is an invalid domain identifier (rc=-6)\n'],
    ['xl sched-credit -d a -w 3', 'libxl_domain_sched_params_set failed.\n'],
  ])('fails: %s', async (line, words) => {
    const b = await withGuest();
    const result = await b.run(line);
    expect(result.rc).toBe(1);
    expect(result.err).toContain(words);
    expect(guestOf(b)).toMatchObject({ weight: 256, cap: 0 });
  });
  it('keeps a guest down whose cap is too large', async () => {
    expect(await failing({ cap: '500' })).toMatchObject({ rc: 3, left: 0 });
  });
});

describe('affinity', () => {
  it('is as the cfg has it, one string for all vCPUs, a list for each', async () => {
    const b = await withGuest({ cpus: '"0-1"', cpus_soft: '"1"' });
    expect(
      (await b.run('xl vcpu-list a')).out
        .trimEnd()
        .split('\n')
        .map((l) => l.slice(67)),
    ).toEqual(['Affinity (Hard / Soft)', '0-1 / 1', '0-1 / 1']);
    expect(record(b)).toContain(
      '"vcpu_soft_affinity": [\n            [\n                1\n            ],\n            [\n                1\n            ]\n        ],\n        "numa_placement": "False",\n',
    );
    const listed = await withGuest({ cpus: '["2", "3"]' });
    expect(guestOf(listed).hard).toEqual([[2], [3]]);
  });
  it('is changed vCPU by vCPU; the record and a reboot know nothing of it', async () => {
    const b = await withGuest();
    expect((await b.run('xl vcpu-pin a 0 1-2 3')).rc).toBe(0);
    expect((await b.run('xl vcpu-pin a all - 2')).rc).toBe(0);
    expect(guestOf(b)).toMatchObject({
      hard: [
        [1, 2],
        [0, 1, 2, 3],
      ],
      soft: [[2], [2]],
    });
    expect(record(b)).not.toContain('affinity');
    await b.run('xl reboot a');
    await b.settle();
    expect(guestOf(b).hard).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });
  it.each([
    ['xl vcpu-pin a 0 5', 1, "Could not set affinity for vcpu `0'.\n"],
    ['xl vcpu-pin a 7 1', 1, "Could not set affinity for vcpu `7'.\n"],
    ['xl vcpu-pin a 0 9', 1, 'vcpu hard affinity map is empty\n'],
    ['xl vcpu-pin a all 5', 0, 'Could not set affinity.\n'],
    ['xl vcpu-pin a x 1', 1, 'Error: Invalid argument x as VCPU.\n'],
    ['xl vcpu-pin a 0 1-x', 1, 'Invalid pcpu range: 1-x.\n'],
    ['xl vcpu-pin a 0', 2, "'xl vcpu-pin' requires at least 3 arguments.\n"],
  ])('%s: %i', async (line, rc, words) => {
    const b = await withGuest();
    const result = await b.run(line);
    expect(result.rc).toBe(rc);
    expect(result.err).toContain(words);
    expect(guestOf(b).hard[0]).toEqual([0, 1, 2, 3]);
  });
  it('warns of a soft affinity that the hard one makes useless, and takes it', async () => {
    const b = await withGuest();
    expect(await b.run('xl vcpu-pin a 0 0 1')).toEqual({
      rc: 0,
      out: '',
      err: 'libxl: warning: libxl_sched.c:84:libxl__set_vcpuaffinity: Domain 1:All cpus in soft affinity of vcpu 0 are unreachable. Only hard affinity will be considered for scheduling\n',
    });
    expect(guestOf(b)).toMatchObject({ hard: [[0], [0, 1, 2, 3]], soft: [[1], [0, 1, 2, 3]] });
  });
  it('keeps a guest down that may run nowhere', async () => {
    const result = await failing({ cpus: '"9"' });
    expect(result).toMatchObject({ rc: 3, left: 0 });
    expect(result.err).toContain('Setting vcpu affinity: Invalid argument');
  });
});

describe('cpupools', () => {
  const pools = { cpupools: ['Pool-0', 'fast'] };
  it('are listed, joined at the start and changed later', async () => {
    const b = await withGuest({ pool: '"fast"' }, pools);
    expect((await b.run('xl cpupool-list')).out).toBe(
      'Name               CPUs   Sched     Active   Domain count\n' +
        'Pool-0               3   credit2       y          1\n' +
        'fast                 1   credit2       y          1\n',
    );
    expect((await b.run('xl cpupool-list -c')).out).toContain('fast               3\n');
    expect((await b.run('xl list -c')).out).toMatch(/^a .* {12}fast$/m);
    expect((await b.run('xl cpupool-migrate a Pool-0')).rc).toBe(0);
    expect(guestOf(b).pool).toBe('Pool-0');
    expect(record(b)).toContain('"pool_name": "fast"');
    expect((await b.run('xl sched-credit2 -p fast')).out).not.toContain('a ');
  });
  it.each([
    ['xl cpupool-migrate a none', "unknown cpupool 'none'\n"],
    ['xl cpupool-migrate z fast', "unknown domain 'z'\n"],
    ['xl cpupool-list none', "Pool 'none' does not exist\n"],
  ])('fails: %s', async (line, words) => {
    expect(await (await withGuest({}, pools)).run(line)).toEqual({ rc: 1, out: '', err: words });
  });
  it('keep a guest down that names one which is not there', async () => {
    const result = await failing({ pool: '"none"' });
    expect(result).toMatchObject({ rc: 6, left: 0 });
    expect(result.err).toContain('Illegal pool specified: none\n');
    expect(result.b.world.nextDomid).toBe(1);
  });
});

const sample = new URL('../../../../shared/samples/xen-4.17-observed/observe.txt', import.meta.url);

describe.skipIf(!existsSync(sample))('beside a real dom0 (../shared/samples; skipped where it is missing)', () => {
  const real = existsSync(sample) ? readFileSync(sample, 'utf8').split('\n') : [];
  const shape = (line: string): string => line.replaceAll(/\d+\.\d/g, '0.0').replaceAll(/ +0\.0/g, ' 0.0');
  it('prints the same heads and rows', async () => {
    const b = await withGuest({ name: '"web-1"', cpu_weight: '512' });
    const lines = [
      ...(await b.run('xl vcpu-list')).out.split('\n'),
      ...(await b.run('xl sched-credit2')).out.split('\n'),
      ...(await b.run('xl cpupool-list')).out.split('\n').slice(0, 1),
    ];
    const theirs = new Set(real.map(shape));
    // Which CPU a vCPU is on is chance, and dom0 has as many vCPUs as the host here.
    const told = lines.map(shape).filter((l) => l !== '' && !/^Domain-0 +0 +[1-3] |^web-1 +1 +0 +\d /.test(l));
    expect(told.length).toBeGreaterThan(6);
    expect(told.filter((l) => !theirs.has(l))).toEqual([]);
  });
});
