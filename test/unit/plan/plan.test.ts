/** What the planner decides, case by case, each followed by "and then there is nothing left to do". */
import { describe, expect, it } from 'vitest';
import type { Unknown } from '../../../src/core/port.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { PlanOptions } from '../../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Domain } from '../../../src/kinds/vm/live.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { after, disk, farm, GiB, MiB, nic, observed, plan, server, spec } from './world.ts';

const ids = (f: Farm, seen: Observed, options: Partial<PlanOptions> = {}): readonly string[] =>
  plan(f, seen, options).operations.map((o) => o.id);

/** The farm as Reeve made it from `f`. */
const made = (f: Farm, servers: Readonly<Record<string, ServerSeen>> = { a: server() }): Observed => {
  const start = observed(servers);
  return after(start, plan(f, start).operations);
};

const hand = (seen: Observed, change: (d: Domain) => Domain): Observed =>
  new Map(
    [...seen].map(([name, s]) => [name, s.is === 'seen' ? { ...s, domains: s.domains.map(change) } : s] as const),
  );

const web = spec('web', {
  disks: { xvda: disk('/srv/web.img') },
  nics: { eth0: nic('lan') },
});

describe('a VM that stands suspended', () => {
  it('is left to a person once nothing moves it any more, and is not moved again and again', () => {
    const f = farm([web]);
    const wanted = farm([{ ...web, vcpus: { count: 2, max: 2 } }]);
    const seen = hand(made(f), (d) => ({ ...d, suspended: true }));
    const { operations, refused } = plan(wanted, seen);
    expect(operations).toEqual([]);
    expect(refused[0]).toMatchObject({
      code: 'migration-under-way',
      why: 'web stands still on a: it is suspended, and what saved or moved it is not there any more',
    });
  });
});

describe('a new VM', () => {
  it('is defined, linked and started, and then there is nothing to do', () => {
    const f = farm([web]);
    const p = plan(f, observed({ a: server() }));
    expect(p.operations.map((o) => o.id)).toEqual(['web/define', 'web/autostart', 'web/start']);
    expect(p.operations[2]?.needs).toEqual(['web/autostart']);
    expect(p.vms[0]?.action).toBe('create');
    expect(p.bound).toBe(3);
    const again = plan(f, made(f));
    expect(again.operations).toEqual([]);
    expect(again.vms).toEqual([]);
  });
  it('goes to the server with most room, and stays', () => {
    const servers = { a: server({ memory: { total: 64 * GiB, free: 4 * GiB, reclaimable: 0 } }), b: server() };
    const f = farm([web], ['a', 'b']);
    expect(plan(f, observed(servers)).operations.map((o) => o.server)).toEqual(['b', 'b', 'b']);
    const fuller = new Map(made(f, servers));
    fuller.set('b', { ...(fuller.get('b') as ServerSeen), memory: { total: GiB, free: 0, reclaimable: 0 } });
    expect(ids(f, fuller)).toEqual([]);
  });
  it('is refused with the shortfall where no server has room', () => {
    const p = plan(farm([web]), observed({ a: server({ memory: { total: GiB, free: 512 * MiB, reclaimable: 0 } }) }));
    expect(p.operations).toEqual([]);
    expect(p.refused[0]?.why).toBe('a lacks 512MiB of memory');
  });
  it('is refused where the pool gives a server no more vCPUs', () => {
    const f = farm([spec('web', { vcpus: { count: 9, max: undefined } })]);
    const p = plan(
      { ...f, pools: f.pools.map((x) => ({ ...x, overcommit: { vcpus: 1 } })) },
      observed({ a: server() }),
    );
    expect(p.refused.map((r) => [r.why, r.help])).toEqual([
      ['a lacks 1 vCPUs (overcommit)', 'raise `overcommit.vcpus`, take fewer vCPUs, or add a server'],
    ]);
  });

  it('is not made while a server that may have it could not be read', () => {
    const seen: Observed = new Map<string, ServerSeen | Unknown>([
      ['a', server()],
      ['b', { is: 'unknown', reason: 'unreachable', why: 'b does not answer' }],
    ]);
    const p = plan(farm([web], ['a', 'b']), seen);
    expect(p.operations).toEqual([]);
    expect(p.refused[0]?.why).toContain('b could not be read');
    expect(p.unreadable.map((u) => u.server)).toEqual(['b']);
  });
  it('that is to be stopped is only defined', () => {
    const f = farm([{ ...web, state: 'stopped' }]);
    expect(ids(f, observed({ a: server() }))).toEqual(['web/define']);
    expect(ids(f, made(f))).toEqual([]);
  });
  it('needs a kernel that is there', () => {
    const p = plan(farm([web]), observed({ a: server({ paths: { '/srv/vmlinuz': 'missing' } }) }));
    expect(p.refused[0]?.why).toBe('a has no /srv/vmlinuz');
    expect(p.operations).toEqual([]);
  });
});

describe('a change of the file', () => {
  const roomy = { ...web, memory: { target: GiB, max: 4 * GiB }, vcpus: { count: 1, max: 4 } };
  const cases: readonly [string, VmSpec, readonly string[]][] = [
    ['memory', { ...roomy, memory: { target: 2 * GiB, max: 4 * GiB } }, ['web/define', 'web/set-memory']],
    ['vcpus', { ...roomy, vcpus: { count: 3, max: 4 } }, ['web/define', 'web/set-vcpus']],
    [
      'a disk more',
      { ...roomy, disks: { ...web.disks, xvdb: disk('/srv/b.img', 'ro') } },
      ['web/define', 'web/attach-disk/xvdb'],
    ],
    ['a NIC more', { ...roomy, nics: { ...web.nics, eth1: nic('dmz') } }, ['web/define', 'web/attach-nic/eth1']],
    ['a NIC elsewhere', { ...roomy, nics: { eth0: nic('dmz') } }, ['web/define', 'web/move-nic/eth0']],
    ['autostart', { ...roomy, autostart: false }, ['web/define', 'web/autostart']],
    ['protect', { ...roomy, protect: true }, ['web/define']],
  ];
  it.each(cases)('%s is made while it runs', (_, changed, expected) => {
    const seen = made(farm([roomy]));
    const f = farm([changed]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual(expected);
    expect(p.bound).toBe(expected.length);
    expect(ids(f, after(seen, p.operations))).toEqual([]);
  });
  it('above the budget is written and waits, and one restart takes all of it', () => {
    const seen = made(farm([roomy]));
    const changed = {
      ...roomy,
      boot: { ...roomy.boot!, cmdline: 'quiet' },
      vcpus: { count: 5, max: 5 },
      memory: { target: 2 * GiB, max: 4 * GiB },
    };
    const f = farm([changed]);
    const p = plan(f, seen);
    expect(p.operations.map((o) => o.id)).toEqual(['web/define', 'web/set-memory']);
    expect(p.vms[0]?.changes.filter((c) => c.fate === 'defer').map((c) => c.field)).toEqual([
      'vcpus.count',
      'vcpus.max',
      'boot.cmdline',
    ]);
    const waiting = after(seen, p.operations);
    const again = plan(f, waiting);
    expect(again.operations).toEqual([]);
    expect(again.vms[0]?.changes.map((c) => c.fate)).toEqual(['pending', 'pending', 'pending']);
    const restart = plan(f, waiting, { pending: true });
    expect(restart.operations.map((o) => o.id)).toEqual(['web/restart']);
    expect(ids(f, after(waiting, restart.operations))).toEqual([]);
    expect(ids(f, seen, { allow: [{ disruption: 'restart', pattern: 'web' }] })).toEqual(['web/restart']);
  });
  it('that pulls a disk out waits for leave', () => {
    const two = { ...web, disks: { ...web.disks, xvdb: disk('/srv/b.img') } };
    const seen = made(farm([two]));
    expect(ids(farm([web]), seen)).toEqual(['web/define']);
    expect(ids(farm([web]), seen, { allow: [{ disruption: 'device', pattern: 'web/xvdb' }] })).toEqual([
      'web/define',
      'web/detach-disk/xvdb',
    ]);
  });
  it('that stops a running VM is refused with the budget it needs', () => {
    const f = farm([{ ...web, state: 'stopped', autostart: true }]);
    const p = plan(f, made(farm([web])));
    expect(p.operations).toEqual([]);
    expect(p.refused[0]).toMatchObject({
      needs: 'stop',
      help: '--allow stop=web',
      allow: [{ option: '--allow stop=web' }],
    });
    const allow = [{ disruption: 'stop' as const, pattern: 'web' }];
    expect(plan(f, made(farm([web])), { allow }).operations.map((o) => o.op)).toMatchObject([
      { verb: 'define' },
      { verb: 'stop', lease: null, volumes: [], deadlineMs: 120_000, force: false },
    ]);
    const slow = farm([{ ...web, state: 'stopped', autostart: true, shutdownMs: 600_000 }]);
    expect(plan(slow, made(farm([web])), { allow }).operations[1]?.op).toMatchObject({ deadlineMs: 600_000 });
  });
  it('back to nothing returns to the default on a VM that Reeve made', () => {
    const seen = made(farm([{ ...web, boot: { ...web.boot!, cmdline: 'quiet' } }]));
    const p = plan(farm([web]), seen);
    expect(p.vms[0]?.changes.find((c) => c.field === 'boot.cmdline')?.want).toEqual({ is: 'absent' });
  });
});

describe('drift', () => {
  const f = farm([{ ...web, memory: { target: GiB, max: 2 * GiB }, vcpus: { count: 2, max: 4 } }]);
  const seen = made(f);
  const cases: readonly [string, (d: Domain) => Domain, string][] = [
    ['mem-set', (d) => ({ ...d, memory: { ...d.memory, target: 512 * MiB } }), 'web/set-memory'],
    ['vcpu-set', (d) => ({ ...d, vcpus: { ...d.vcpus, online: 1 } }), 'web/set-vcpus'],
    ['block-detach', (d) => ({ ...d, disks: [] }), 'web/attach-disk/xvda'],
    ['network-detach', (d) => ({ ...d, nics: [] }), 'web/attach-nic/eth0'],
    ['pause', (d) => ({ ...d, state: 'paused' }), 'web/unpause'],
    ['crash', (d) => ({ ...d, state: 'crashed' }), 'web/start'],
    ['xl that was killed while it made it', (d) => ({ ...d, state: 'dying' }), 'web/start'],
  ];
  it.each(cases)('by %s is put right with one operation', (_, change, expected) => {
    const p = plan(f, hand(seen, change));
    expect(p.operations.map((o) => o.id)).toEqual([expected]);
    expect(p.vms[0]?.changes.every((c) => c.cause === 'drift-running')).toBe(true);
    expect(ids(f, after(hand(seen, change), p.operations))).toEqual([]);
  });
  it('in the cfg alone costs nothing', () => {
    const a = seen.get('a') as ServerSeen;
    const edited = observed({
      a: {
        ...a,
        records: a.records.map((r) => ({
          ...r,
          digest: 'x',
          config: { ...r.config!, memory: { target: 2 * GiB, max: 2 * GiB } },
        })),
      },
    });
    const p = plan(f, edited);
    expect(p.operations.map((o) => o.id)).toEqual(['web/define']);
    expect(p.vms[0]?.changes.map((c) => c.cause)).toEqual(['drift-configured']);
  });
  it('is not that the file has a new VM: a run for drift makes none, and refuses none', () => {
    const more = farm([web, spec('new')], ['a', 'b']);
    const away: Unknown = { is: 'unknown', reason: 'unreachable', why: 'no answer' };
    for (const b of [server({ host: 'b' }), away]) {
      const both: Observed = new Map([...seen, ['b', b]]);
      const p = plan(more, both, { cause: 'drift' });
      expect([p.operations, p.refused, p.vms]).toEqual([[], [], []]);
      const all = plan(more, both);
      expect(all.operations.length + all.refused.length).toBeGreaterThan(0);
    }
  });
  it('is left alone by a run for the file’s changes', () => {
    expect(
      ids(
        f,
        hand(seen, (d) => ({ ...d, disks: [] })),
        { cause: 'config' },
      ),
    ).toEqual([]);
  });
});

describe('what is not ours', () => {
  const f = farm([web]);
  const unmark = (seen: Observed, marker: null | string): Observed => {
    const a = seen.get('a') as ServerSeen;
    return observed({
      a: {
        ...a,
        records: a.records.map((r) => ({
          ...r,
          marker: marker === null || r.marker === null ? null : { ...r.marker, farm: marker },
        })),
      },
    });
  };
  it('is adopted where the file declares it, with no other change', () => {
    const p = plan(f, unmark(made(f), null));
    expect(p.vms[0]?.action).toBe('adopt');
    expect(p.operations.map((o) => o.id)).toEqual(['web/define']);
    expect(ids(f, after(unmark(made(f), null), p.operations))).toEqual([]);
  });
  it('is refused where another farm has marked it', () => {
    const p = plan(f, unmark(made(f), 'other'));
    expect(p.operations).toEqual([]);
    expect(p.refused[0]).toMatchObject({ help: '--takeover web', allow: [{ option: '--takeover web' }] });
    expect(ids(f, unmark(made(f), 'other'), { takeover: ['web'] })).toEqual(['web/define']);
  });
  it('is reported and never touched where the file does not name it', () => {
    const p = plan(farm([]), unmark(made(f), null), { prune: true });
    expect(p.operations).toEqual([]);
    expect(p.unmanaged).toEqual([{ server: 'a', name: 'web', what: 'vm', detail: '/etc/xen/web.cfg' }]);
  });
});

describe('a VM that runs twice', () => {
  const f = farm([{ ...web, apart: [{ group: 'g', soft: false }] }], ['a', 'b', 'c']);
  const one = made(f, { a: server(), b: server(), c: server() });
  const [where = ''] = [...one].flatMap(([name, s]) => (s.is === 'seen' && s.domains.length > 0 ? [name] : []));
  const other = where === 'a' ? 'b' : 'a';
  const twice = new Map([...one, [other, { ...(one.get(where) ?? server()), bootId: 'another' } as ServerSeen]]);

  it('is left alone in both places, and no other of its group comes to either', () => {
    const both = { ...f, vms: [...f.vms, spec('db', { apart: [{ group: 'g', soft: false }] })] };
    const p = plan(both, twice, { prune: true });
    expect(p.refused.map((r) => r.what)).toEqual(['web is left alone']);
    expect(p.operations.map((o) => [o.id, o.server])).toEqual([
      ['db/define', 'c'],
      ['db/autostart', 'c'],
      ['db/start', 'c'],
    ]);
    expect(p.unmanaged.map((u) => u.detail)).toEqual([
      '/etc/xen/web.cfg; ours, of web',
      '/etc/xen/web.cfg; ours, of web',
    ]);
  });
});

describe('deletion', () => {
  const keeper = spec('keeper');
  const both = farm([keeper, web]);
  const allow = [{ disruption: 'stop' as const, pattern: 'web' }];
  it('needs a word for what leaves the file', () => {
    expect(ids(farm([keeper]), made(both))).toEqual([]);
    expect(ids(farm([keeper]), made(both), { prune: true, allow })).toEqual(['web/stop', 'web/undefine']);
  });
  it('follows `state: absent` and leaves nothing to do', () => {
    const f = farm([keeper, { ...web, state: 'absent' }]);
    const p = plan(f, made(both), { allow });
    expect(p.operations.map((o) => o.id)).toEqual(['web/stop', 'web/undefine']);
    expect(ids(f, after(made(both), p.operations))).toEqual([]);
    expect(plan(f, made(both)).refused[0]?.needs).toBe('stop');
  });
  it('spares what is protected, even when it has left the file', () => {
    const seen = made(farm([keeper, { ...web, protect: true }]));
    const p = plan(farm([keeper]), seen, { prune: true, allow });
    expect(p.operations).toEqual([]);
    expect(p.refused[0]).toMatchObject({
      why: 'it is protected',
      allow: [{ key: 'vms.web.protect', value: false }],
    });
  });
  it('says what pruning an empty file does, and what protects a VM that has left it', () => {
    const seen = made(farm([{ ...web, protect: true }, keeper]));
    const none = plan(farm([]), seen, { prune: true, allow });
    expect(none.operations).toEqual([]);
    expect(none.warnings).toEqual([
      '--prune deletes nothing, since the file names no VM: that looks like a mistake. To delete the 2 VMs that have left it, name each with `state: absent`',
    ]);
    expect(none.unmanaged.map((u) => u.detail)).toEqual([
      '/etc/xen/keeper.cfg; ours, no longer in the file, which names no VM: --prune deletes nothing then',
      '/etc/xen/web.cfg; ours, no longer in the file, and protected: --prune does not delete it',
    ]);
    expect(plan(farm([]), seen).warnings).toEqual([]);
    const help = (f: Farm, options: Partial<PlanOptions>): string | null | undefined =>
      plan(f, seen, { allow, ...options }).refused[0]?.help;
    expect(help(farm([keeper]), { prune: true })).toBe(
      'put web back into the file with `protect: false`, apply that, and take it out again',
    );
    expect(help(farm([keeper, { ...web, state: 'absent' }]), {})).toBe(
      'apply web with `protect: false` and without `state: absent` first',
    );
  });
  it('stops at the threshold', () => {
    const many = [1, 2, 3, 4, 5, 6].map((n) => spec(`vm-${n}`));
    const gone = farm([keeper, ...many.map((v) => ({ ...v, state: 'absent' as const }))]);
    const p = plan(gone, made(farm([keeper, ...many])), { allow: [{ disruption: 'stop', pattern: '*' }] });
    expect(p.operations).toEqual([]);
    expect(p.refused).toHaveLength(6);
    expect(p.refused[0]?.why).toContain('policy.deletes.max is 5');
    expect(p.refused[0]?.allow).toEqual([
      { key: 'policy.deletes.max', value: 6 },
      { key: 'policy.deletes.percent', value: 86 },
    ]);
  });
  it('needs a run of the whole pool', () => {
    const f = farm([keeper, { ...web, state: 'absent' }]);
    expect(plan(f, made(both), { allow, targets: ['web'] }).refused).toMatchObject([
      { code: 'partial-run', allow: [{ without: '--target' }] },
    ]);
  });
  it('needs the whole pool', () => {
    const f = farm([keeper, { ...web, state: 'absent' }], ['a', 'b']);
    const seen = new Map(made(both));
    seen.set('b', { is: 'unknown', reason: 'unreachable', why: 'down' });
    expect(plan(f, seen, { allow }).refused[0]?.why).toContain('b of its pool could not be read');
  });
});

describe('room', () => {
  it('that one VM gives back is waited for by the one that takes it', () => {
    const big = { ...spec('big'), memory: { target: 20 * GiB, max: 20 * GiB } };
    const f = farm([big, { ...web, memory: { target: 4 * GiB, max: 20 * GiB } }]);
    const seen = made(f, { a: server({ memory: { total: 32 * GiB, free: 25 * GiB, reclaimable: 0 } }) });
    const full = observed({
      a: { ...(seen.get('a') as ServerSeen), memory: { total: 32 * GiB, free: GiB, reclaimable: 0 } },
    });
    const g = farm([
      { ...big, memory: { target: 8 * GiB, max: 20 * GiB } },
      { ...web, memory: { target: 12 * GiB, max: 20 * GiB } },
    ]);
    const p = plan(g, full);
    expect(p.refused).toEqual([]);
    expect(p.operations.find((o) => o.id === 'web/set-memory')?.needs).toContain('big/set-memory');
  });
  it('that is not there refuses the growth and nothing else', () => {
    const f = farm([
      { ...web, memory: { target: GiB, max: 8 * GiB } },
      spec('other', { memory: { target: 6 * GiB, max: undefined } }),
    ]);
    const seen = made(f);
    const full = observed({
      a: { ...(seen.get('a') as ServerSeen), memory: { total: 32 * GiB, free: GiB, reclaimable: 0 } },
    });
    const g = farm([
      { ...web, memory: { target: 8 * GiB, max: 8 * GiB } },
      { ...spec('other', { memory: { target: 6 * GiB, max: undefined } }), protect: true },
    ]);
    const p = plan(g, full);
    expect(p.operations.map((o) => o.id)).toEqual(['other/define']);
    expect(p.refused[0]?.why).toBe('a lacks 6GiB of memory for it');
  });
  it('of a disk has one writer', () => {
    const stranger = spec('stranger', { disks: { xvda: disk('/srv/web.img') } });
    const seen = made(farm([stranger]));
    const p = plan(farm([web, { ...stranger, disks: undefined }]), seen);
    expect(p.refused[0]?.why).toBe('/srv/web.img is written to by stranger on a');
  });
});
