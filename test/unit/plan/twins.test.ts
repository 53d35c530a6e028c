/** A VM is never made or started beside what may be the VM itself, nor on a disk that another one has. */
import { describe, expect, it } from 'vitest';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { pooled, settled } from './shared.ts';
import { after, disk, farm, GiB, observed, plan, server, spec } from './world.ts';

const two = (): Observed => observed({ a: server(), b: server({ host: 'b' }) });
const names = ['a', 'b'];
const edit = (seen: Observed, name: string, change: (s: ServerSeen) => ServerSeen): Observed =>
  new Map([...seen].map(([n, s]) => [n, n === name && s.is === 'seen' ? change(s) : s] as const));
const at = (seen: Observed, name: string): ServerSeen => seen.get(name) as ServerSeen;

/** `web` as this farm made it on server a. */
const made = (more: Partial<VmSpec> = {}): Observed =>
  after(two(), plan(farm([spec('web', { servers: ['a'], ...more })], names), two()).operations);
const uuid = at(made(), 'a').domains[0]?.uuid ?? '';

const renamed = (seen: Observed): Observed =>
  edit(seen, 'a', (s) => ({
    ...s,
    domains: s.domains.map((d) => ({ ...d, name: 'other' })),
  }));
const withoutCfg = (seen: Observed): Observed => edit(seen, 'a', (s) => ({ ...s, records: [] }));
const unmarked = (seen: Observed): Observed =>
  edit(seen, 'a', (s) => ({
    ...s,
    records: s.records.map((r) => ({ ...r, marker: null })),
  }));
const called = (seen: Observed, name: string): Observed =>
  edit(seen, 'a', (s) => ({
    ...s,
    records: s.records.map((r) => ({
      ...r,
      path: `/etc/xen/${name}.cfg`,
      config: r.config && { ...r.config, name },
    })),
  }));
const stopped = (seen: Observed): Observed => edit(seen, 'a', (s) => ({ ...s, domains: [] }));

const told = (f: ReturnType<typeof farm>, seen: Observed) => {
  const p = plan(f, seen);
  return [p.operations.map((o) => o.id), p.refused.map((r) => [r.subject.name, r.code, r.why] as const)] as const;
};

describe('a VM that was seen nowhere', () => {
  it.each([
    ['a domain without a cfg', withoutCfg(renamed(made())), 'other on a (domain 1)'],
    ['a domain with a cfg of its name', called(renamed(unmarked(made())), 'other'), '/etc/xen/other.cfg'],
    ['a cfg alone', called(stopped(unmarked(made())), 'other'), 'other on a (/etc/xen/other.cfg)'],
  ])('whose UUID %s has is not made', (_, seen, where) => {
    const [operations, refused] = told(farm([spec('web', { servers: ['b'] })], names), seen);
    expect(operations).toEqual([]);
    expect(refused).toEqual([['web', 'uuid-taken', expect.stringContaining(where)]]);
    expect(plan(farm([spec('web')], names), seen).refused[0]?.help).toContain(`write uuid: ${uuid}`);
  });

  it('is not made where one that was renamed in the file keeps its UUID', () => {
    const www = spec('www', { formerly: 'web', servers: ['a'] });
    const seen = after(made(), plan(farm([www], names), made()).operations);
    const file = farm([{ ...www, formerly: undefined }, spec('web')], names);
    expect(told(file, seen)).toEqual([
      [],
      [['web', 'uuid-taken', expect.stringContaining('marked as www of this farm')]],
    ]);
    expect(plan(file, seen).refused[0]?.help).toContain('write a `uuid` of its own');
  });

  it('is not made beside a domain that runs from a cfg of its name', () => {
    const given = '11111111-2222-3333-4444-555555555555';
    const seen = called(renamed(unmarked(made({ uuid: given }))), 'web');
    const elsewhere = edit(seen, 'a', (s) => ({
      ...s,
      records: s.records.map((r) => ({ ...r, path: '/etc/xen/vm/web' })),
    }));
    expect(told(farm([spec('web')], names), elsewhere)).toEqual([
      [],
      [['web', 'name-taken', expect.stringContaining('/etc/xen/vm/web')]],
    ]);
  });

  it('is made where nothing has its UUID, and one that is to be gone stays gone', () => {
    expect(told(farm([spec('db')], names), made({ uuid }))[0]).toContain('db/define');
    expect(told(farm([spec('web', { state: 'absent' })], names), withoutCfg(renamed(made())))).toEqual([[], []]);
  });
});

describe('a VM of which a cfg alone was found', () => {
  it('is not started beside a domain of its UUID under another name elsewhere', () => {
    const seen = made();
    const [domain] = at(seen, 'a').domains;
    const moved = edit(stopped(unmarked(seen)), 'b', (s) => ({
      ...s,
      domains: domain ? [{ ...domain, name: 'other' }] : [],
    }));
    expect(told(farm([spec('web')], names), moved)).toEqual([
      [],
      [['web', 'uuid-taken', expect.stringContaining('other on b (domain 1)')]],
    ]);
  });
});

describe('two domains of one UUID on two servers', () => {
  it.each(['web', 'other'])(
    'are left alone, and nobody is told to remove one unseen (the other is called %s)',
    (name) => {
      const seen = made();
      const [domain] = at(seen, 'a').domains;
      const twice = edit(seen, 'b', (s) => ({
        ...s,
        domains: domain ? [{ ...domain, name }] : [],
      }));
      const p = plan(farm([spec('web', { memory: { target: 2 ** 21, max: undefined } })], names), twice);
      expect([p.operations, p.refused.map((r) => r.code)]).toEqual([[], ['vm-ambiguous']]);
      expect(p.refused[0]?.help).toMatch(/look .* which of them is in use; stop or remove nothing before/);
      expect(p.refused[0]?.help).not.toMatch(/remove the copy/);
    },
  );
});

const path = '/srv/data.img';
/** Both defined by hand on these servers, and running there or not. */
const byHand = (...vms: readonly { at: string; key: string; path: string; access: 'rw' | 'ro'; runs: boolean }[]) =>
  vms.reduce((seen, { at: name, key, path: p, access, runs }) => {
    const one = after(
      two(),
      plan(farm([spec(key, { servers: [name], disks: { xvda: disk(p, access) } })], names), two()).operations,
    );
    const { records, domains } = at(one, name);
    const bare = records.map((r) => ({ ...r, marker: null }));
    return edit(seen, name, (s) => ({
      ...s,
      records: [...s.records, ...bare],
      domains: runs ? [...s.domains, ...domains] : s.domains,
    }));
  }, two());

describe('two VMs with one disk that one of them writes', () => {
  const inUse = (name: string, where: string) => [
    ['web', 'in-use', expect.stringMatching(new RegExp(`${name} .*${where}`))],
  ];
  const web = (more: Partial<VmSpec> = {}): VmSpec => spec('web', { servers: ['a'], ...more });

  it.each(['rw', 'ro'] as const)('do not run together on one server, where one that runs has it %s', (access) => {
    const seen = byHand({ at: 'a', key: 'db', path, access, runs: true });
    for (const mine of ['rw', 'shared'] as const)
      expect(told(farm([web({ disks: { xvda: disk(path, mine) } })], names), seen)).toEqual([[], inUse('db', 'a')]);
    const reads = told(farm([web({ disks: { xvda: disk(path, 'ro') } })], names), seen);
    expect(reads[1]).toEqual(access === 'ro' ? [] : inUse('db', 'a'));
  });

  it('do not run on two servers that both see it; each may have a path of its own', () => {
    const on = (p: string) =>
      settled(pooled([spec('db', { servers: ['b'], disks: { xvda: disk(p) } })]), { a: 8 * GiB });
    const refused = (p: string) => plan(pooled([web({ disks: { xvda: disk(p) } })]), on(p)).refused;
    expect(refused('/srv/vmstore/data.img').map((r) => [r.subject.name, r.code, r.why])).toEqual(inUse('db', 'b'));
    expect(refused(path)).toEqual([]);
  });

  it('run together where both share it', () => {
    const shares = { disks: { xvda: disk(path, 'shared') } };
    const seen = byHand({ at: 'a', key: 'db', path, access: 'rw', runs: true });
    const [operations, refused] = told(farm([web(shares), spec('db', shares)], names), seen);
    expect([operations.includes('web/start'), refused]).toEqual([true, []]);
    const p = plan(farm([web(shares), spec('db', shares)], names), seen);
    expect(p.warnings.filter((w) => w.includes(path))).toEqual([]);
  });

  const cfgs = byHand(
    { at: 'a', key: 'db', path, access: 'rw', runs: false },
    { at: 'a', key: 'web', path, access: 'rw', runs: false },
  );
  const adopted = { disks: undefined, nics: undefined };

  it('adopted while neither runs: it is said, once', () => {
    const f = farm([web({ ...adopted, state: 'stopped' }), spec('db', { ...adopted, state: 'stopped' })], names);
    const said = plan(f, cfgs).warnings.filter((w) => w.includes(path));
    expect(said).toEqual([expect.stringContaining('db on a and web on a have one disk')]);
    expect(plan(f, cfgs).refused).toEqual([]);
  });

  it('adopted: the second is not started in the same run, nor in a later one', () => {
    const db = spec('db', adopted);
    expect(told(farm([db, web(adopted)], names), cfgs)[1]).toEqual(inUse('db is to start', 'a'));
    const first = after(cfgs, plan(farm([db, web({ ...adopted, state: 'stopped' })], names), cfgs).operations);
    expect(told(farm([db, web(adopted)], names), first)).toEqual([[], inUse(path, 'written to by db on a')]);
  });

  it('is said of a cfg, too, that nobody manages', () => {
    const [warning] = plan(farm([web({ ...adopted, state: 'stopped' })], names), cfgs).warnings;
    expect(warning).toContain(`db on a and web on a have one disk, ${path}`);
  });
});
