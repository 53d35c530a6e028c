/** Paths that only cfgs name: asked for once a plan hangs on them, and known before it is shown. */
import { describe, expect, it } from 'vitest';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { RepositorySpec } from '../../../src/kinds/repository/spec.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import { pathsToRead, unaskedPaths } from '../../../src/plan/index.ts';
import { after, farm, observed, plan, server, sharedNfs, spec } from './world.ts';

const iso = '/srv/iso/x.iso';
const kernel = '/boot/own';
const store: RepositorySpec = { ...sharedNfs, state: 'absent' };
const farmOf = (more: Partial<Parameters<typeof spec>[1]>, a: 'active' | 'maintenance' = 'active'): Farm => {
  const f = farm([spec('web', { boot: undefined, disks: undefined, ...more })], ['a', 'b']);
  const servers = f.pools.flatMap((p) => p.servers).map((s) => (s.name === 'a' ? { ...s, state: a } : s));
  return { ...f, pools: f.pools.map((p) => ({ ...p, servers, repositories: { vmstore: store } })) };
};

const full = {
  type: 'hvm',
  cdroms: { hdc: { path: iso } },
  boot: { kernel, ramdisk: undefined, cmdline: undefined },
} as const;
const base = observed({ a: server(), b: server({ host: 'b' }) });
/** As its owner made it: nothing of it stands in the file. */
const seen = after(base, plan(farmOf({ ...full, servers: ['a'] }), base).operations);
const looked = (on: Partial<Record<'a' | 'b', ServerSeen['paths']>>): Observed =>
  new Map(
    [...seen].map(([name, s]) => [
      name,
      s.is === 'seen'
        ? { ...s, paths: on[name as 'a' | 'b'] ?? {}, records: s.records.map((r) => ({ ...r, marker: null })) }
        : s,
    ]),
  );
const adopted = farmOf({ type: 'hvm' }, 'maintenance');

describe('what only the cfg names', () => {
  it('is not asked for while nothing hangs on it', () => {
    expect([...pathsToRead(adopted).values()].flat()).not.toContain(iso);
    const stays = farmOf({ type: 'hvm' });
    expect(unaskedPaths(stays, looked({}), plan(stays, looked({})))).toEqual(new Map());
  });

  it('is asked for on every server of the pool once the VM would move', () => {
    const p = plan(adopted, looked({}));
    expect(p.operations.map((o) => o.id)).toContain('web/migrate/b');
    const more = [kernel, iso];
    expect(unaskedPaths(adopted, looked({}), p)).toEqual(
      new Map([
        ['a', more],
        ['b', more],
      ]),
    );
    const b = { [iso]: 'there', [kernel]: 'there' } as const;
    expect(unaskedPaths(adopted, looked({ a: b, b }), plan(adopted, looked({ a: b, b })))).toEqual(new Map());
  });

  it('keeps the VM where the other server lacks it, and says what to do', () => {
    const refused = (b: ServerSeen['paths']) => plan(adopted, looked({ b })).refused;
    expect(refused({ [iso]: 'missing', [kernel]: 'there' })).toMatchObject([
      {
        why: `b has no ${iso}, which lies in drive hdc`,
        help: 'eject it (`cdrom: { hdc: {} }`), or put the file there',
      },
    ]);
    expect(refused({ [iso]: 'there', [kernel]: 'missing' })).toMatchObject([{ why: `b has no ${kernel}` }]);
    expect(refused({ [iso]: 'there', [kernel]: 'there' })).toEqual([]);
  });

  it('is asked for of a VM that starts where it is', () => {
    const off = new Map([...looked({})].map(([n, s]) => [n, s.is === 'seen' ? { ...s, domains: [] } : s] as const));
    const stays = farmOf({ type: 'hvm' });
    const p = plan(stays, off);
    expect(p.operations.map((o) => o.id)).toContain('web/start');
    expect(unaskedPaths(stays, off, p).get('a')).toEqual([kernel, iso]);
  });

  it('is asked for of a medium that a hand put into a drive', () => {
    const other = '/srv/iso/other.iso';
    const hand = new Map(
      [...looked({ a: { [iso]: 'there', [kernel]: 'there' }, b: { [iso]: 'there', [kernel]: 'there' } })].map(
        ([n, s]) =>
          [
            n,
            s.is === 'seen' ? { ...s, domains: s.domains.map((d) => ({ ...d, cdroms: { hdc: { path: other } } })) } : s,
          ] as const,
      ),
    );
    expect(unaskedPaths(adopted, hand, plan(adopted, hand)).get('b')).toEqual([other]);
    const known = new Map(
      [...hand].map(([n, s]) => [
        n,
        s.is === 'seen' ? { ...s, paths: { ...s.paths, [other]: 'missing' as const } } : s,
      ]),
    );
    expect(plan(adopted, known).refused).toMatchObject([{ why: `b has no ${other}, which lies in drive hdc` }]);
  });
});
