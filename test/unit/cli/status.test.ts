/** What `reeve status` makes of a file and of what was seen: whose each VM is, what it does, what is wrong with it. */
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../../src/cli/status.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Domain } from '../../../src/kinds/vm/live.ts';
import type { StatusVm } from '../../../src/report/status.ts';
import { after, farm, GiB, observed, plan, server, spec } from '../plan/world.ts';

const one = (key: string, more: Parameters<typeof spec>[1] = {}) =>
  spec(key, { servers: ['a'], memory: { target: GiB, max: 2 * GiB }, vcpus: { count: 1, max: 2 }, ...more });
const desired = farm([one('db'), one('web')], ['a', 'b']);
const empty = observed({ a: server(), b: server({ host: 'b' }) });
/** Both run on server a. */
const running = after(empty, plan(desired, empty).operations);

const seenOf = (seen: Observed, name: string): ServerSeen => {
  const s = seen.get(name);
  if (s?.is !== 'seen') throw new Error(`${name} was not seen`);
  return s;
};
const look = (f: Farm, seen: Observed) => statusOf(f, seen, plan(f, seen), '0.1.0');
const vmOf = (f: Farm, seen: Observed, name: string): StatusVm | undefined =>
  look(f, seen).vms.find((v) => v.name === name);
const having = (seen: Observed, change: (s: ServerSeen) => Partial<ServerSeen>): Observed => {
  const a = seenOf(seen, 'a');
  return new Map(seen).set('a', { ...a, ...change(a) });
};
const domains = (seen: Observed, change: (d: Domain) => Partial<Domain>): Observed =>
  having(seen, (a) => ({ domains: a.domains.map((d) => ({ ...d, ...change(d) })) }));
const bare = (seen: Observed, farmName: string | null): Observed =>
  having(seen, (a) => ({
    records: a.records.map((r) => ({
      ...r,
      marker: farmName === null || !r.marker ? null : { ...r.marker, farm: farmName },
    })),
  }));

describe('a VM', () => {
  test('that is as the file says', () => {
    expect(vmOf(desired, running, 'web')).toEqual({
      name: 'web',
      key: 'web',
      server: 'a',
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      state: 'running',
      type: 'pvh',
      vcpus: { count: 1, max: 2 },
      memory: { target: GiB, max: 2 * GiB },
      owner: 'managed',
      autostart: true,
      pending: 0,
      differences: 0,
      problems: [],
    });
  });

  test('that is stopped is told by its cfg', () => {
    const stopped = having(running, () => ({ domains: [] }));
    expect(vmOf(desired, stopped, 'web')).toMatchObject({
      state: 'stopped',
      type: 'pvh',
      memory: { target: GiB, max: 2 * GiB },
      owner: 'managed',
      differences: 1,
    });
  });

  test('whose file has changed', () => {
    const more = farm([one('db'), one('web', { memory: { target: 2 * GiB, max: 2 * GiB } })], ['a', 'b']);
    expect(vmOf(more, running, 'web')).toMatchObject({ differences: 1, pending: 0 });
  });

  test('that waits for a restart', () => {
    const more = farm([one('db'), one('web', { memory: { target: GiB, max: 4 * GiB } })], ['a', 'b']);
    const written = after(running, plan(more, running).operations);
    expect(vmOf(more, written, 'web')).toMatchObject({ differences: 0, pending: 1 });
  });

  test('that nobody watches', () => {
    const alone = domains(running, () => ({ monitored: false }));
    expect(vmOf(desired, alone, 'web')?.problems).toEqual(['no xl monitor: nobody will handle its reboot or shutdown']);
    const untold = domains(running, () => ({ monitored: undefined }));
    expect(vmOf(desired, untold, 'web')?.problems).toEqual([]);
  });

  test('that has crashed, and has no cfg', () => {
    const crashed = domains(
      having(running, () => ({ records: [] })),
      () => ({ state: 'crashed' }),
    );
    expect(vmOf(desired, crashed, 'web')).toMatchObject({
      state: 'crashed',
      owner: 'adoptable',
      autostart: false,
      problems: ['no cfg: it is gone once it stops'],
    });
  });
});

describe('the owner', () => {
  const nobody = farm([], ['a', 'b']);

  test('is nobody without a marker, and the file would adopt what it names', () => {
    expect(vmOf(desired, bare(running, null), 'web')).toMatchObject({ owner: 'adoptable', key: 'web' });
    expect(vmOf(nobody, bare(running, null), 'web')).toMatchObject({ owner: 'unmanaged', key: null, problems: [] });
  });

  test('is another farm by its marker, whether the file names it or not', () => {
    for (const f of [desired, nobody]) {
      expect(vmOf(f, bare(running, 'lab'), 'web')).toMatchObject({
        owner: 'foreign',
        key: null,
        problems: ['it belongs to farm lab'],
      });
    }
    expect(look(desired, bare(running, 'lab')).missing.map((m) => [m.is, m.key, m.why])).toEqual([
      ['unclear', 'db', 'db on a belongs to farm lab'],
      ['unclear', 'web', 'web on a belongs to farm lab'],
    ]);
  });

  test('is this farm still where the file no longer names it', () => {
    expect(vmOf(nobody, running, 'web')).toMatchObject({
      owner: 'managed',
      key: null,
      problems: ['the file no longer names it'],
    });
  });
});

describe('what the file names and nobody has', () => {
  test('is nowhere where all was read', () => {
    expect(look(desired, empty)).toMatchObject({
      vms: [],
      missing: [
        { is: 'nowhere', key: 'db', why: 'it is nowhere' },
        { is: 'nowhere', key: 'web', why: 'it is nowhere' },
      ],
    });
  });

  test('may be on a server that was not read', () => {
    const half: Observed = new Map(empty).set('b', {
      is: 'unknown',
      reason: 'timeout',
      why: 'b: no answer',
      help: 'ssh b',
    });
    const { servers, missing } = look(desired, half);
    expect(missing[0]?.why).toBe('it may be on b, which could not be read');
    expect(servers.map((s) => [s.name, s.state, s.why, s.help])).toEqual([
      ['a', 'read', null, null],
      ['b', 'unread', 'b: no answer', 'ssh b'],
    ]);
  });

  test('is not missed where it is to be absent', () => {
    expect(look(farm([one('web', { state: 'absent' })], ['a', 'b']), empty).missing).toEqual([]);
  });
});

test('a server that is to be empty is read, and missed where it was not', () => {
  const states = { a: 'maintenance', b: 'absent' } as const;
  const f = {
    ...desired,
    pools: farm([], ['a', 'b']).pools.map((p) => ({
      ...p,
      servers: p.servers.map((s) => ({ ...s, state: states[s.name as 'a' | 'b'] })),
    })),
  };
  expect(
    look(f, new Map([...running].filter(([name]) => name === 'a'))).servers.map((s) => [s.name, s.state, s.declared]),
  ).toEqual([
    ['a', 'read', 'maintenance'],
    ['b', 'unread', 'absent'],
  ]);
});

test('a server is told with what was seen of it', () => {
  const { servers } = look(
    desired,
    having(empty, () => ({ problems: ['xl list: odd'] })),
  );
  expect(servers[0]).toEqual({
    name: 'a',
    pool: 'p',
    address: expect.any(String) as string,
    state: 'read',
    declared: 'active',
    xen: '4.17.7',
    cpus: 8,
    memory: { total: 64 * GiB, free: 32 * GiB },
    scheduler: 'credit2',
    code: null,
    why: null,
    help: null,
    problems: ['xl list: odd'],
  });
});
