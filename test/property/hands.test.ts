/** 100 random sequences of what people do to a farm behind Reeve's back, on the simulator: each is put right, with the fewest operations. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Farm } from '../../src/kinds/farm.ts';
import type { VmType } from '../../src/kinds/vm/spec.ts';
import { openRig } from '../contract/rig.ts';
import { disk, farm, nic, spec } from '../unit/plan/world.ts';

const MiB = 1024;
const keys = ['web', 'db', 'win', 'dns'] as const;
const types: Readonly<Record<string, VmType>> = { web: 'pvh', db: 'pv', win: 'hvm', dns: 'pvh' };

const desired = (servers: readonly string[]): Farm =>
  farm(
    keys.map((key) =>
      spec(key, {
        type: types[key],
        memory: { target: 128 * MiB, max: 256 * MiB },
        vcpus: { count: 2, max: 4 },
        boot: { kernel: '/srv/vmlinuz', ramdisk: '/srv/initrd.gz', cmdline: 'console=hvc0' },
        settings: { 'sched.weight': 300, 'affinity.hard': '0-1', 'affinity.soft': 'all' },
        disks: { xvda: disk(`/srv/${key}-a.img`), xvde: disk(`/srv/${key}-b.img`, 'ro') },
        cdroms: key === 'win' ? { hdc: { path: '/srv/a.iso' } } : undefined,
        nics: { eth0: nic('lan') },
        state: key === 'dns' ? 'stopped' : 'running',
      }),
    ),
    servers,
  );

/** Each is a command line that a person types at the dom0 where `vm` is. */
const hand = fc.record({
  vm: fc.constantFrom(...keys),
  what: fc.constantFrom(
    'mem-set',
    'vcpu-set',
    'block-detach',
    'block-attach',
    'network-detach',
    'bridge',
    'pause',
    'destroy',
    'shutdown',
    'edit',
    'unlink',
    'crash',
    'create',
    'weight',
    'pin',
    'rename',
    'cd',
  ),
  n: fc.integer({ min: 1, max: 4 }),
});

/**
 * A paused guest hears of its shutdown once it is let go on, and then goes: no plan can know. And a VM that was renamed and
 * started once more runs twice, at which nobody may guess.
 */
const heard = (hands: readonly { readonly vm: string; readonly what: string }[]): boolean =>
  !hands.some((h) =>
    hands.some(
      (o) =>
        o.vm === h.vm &&
        ((h.what === 'pause' && o.what === 'shutdown') || (h.what === 'rename' && o.what === 'create')),
    ),
  );

describe('a farm that hands have changed', () => {
  it('is put right, each time with the fewest operations, and then nothing is left to do', async () => {
    const paths = [
      '/srv/vmlinuz',
      '/srv/initrd.gz',
      '/srv/stray.img',
      '/srv/a.iso',
      ...keys.flatMap((k) => [`/srv/${k}-a.img`, `/srv/${k}-b.img`]),
    ];
    const server = (name: string) => ({
      name,
      memoryMiB: 8192,
      dom0MiB: 1024,
      cpus: 4,
      bridges: ['xenbr0', 'xenbr1'],
      paths,
    });
    const rig = await openRig({ servers: [server('a'), server('b')], speed: Infinity, seed: 'hands' });
    const f = desired(['a', 'b']);
    const options = { allow: [{ disruption: 'restart' as const, pattern: '*' }] };
    try {
      const first = await rig.plan(f, options);
      const made = await rig.apply(first);
      expect({ failed: made.failed, skipped: made.skipped }).toEqual({ failed: [], skipped: [] });
      const home = new Map(first.vms.map((v) => [v.subject.name, v.server]));
      const act = async ({ vm, what, n }: { vm: string; what: string; n: number }): Promise<void> => {
        const at = home.get(vm) ?? 'a';
        const files = rig.sim.files(at);
        const cfg = `/etc/xen/${vm}.cfg`;
        const uptodate = files.read(cfg) ?? '';
        const run = (...argv: string[]): Promise<unknown> => rig.sim.hand(at, argv);
        switch (what) {
          case 'mem-set':
            await run('xl', 'mem-set', vm, `${64 * n}m`);
            break;
          case 'vcpu-set':
            await run('xl', 'vcpu-set', vm, String(n));
            break;
          case 'block-detach':
            await run('xl', 'block-detach', vm, 'xvde');
            break;
          case 'block-attach':
            await run('xl', 'block-attach', vm, 'format=raw,vdev=xvdf,access=rw,target=/srv/stray.img');
            break;
          case 'network-detach':
            await run('xl', 'network-detach', vm, '0');
            break;
          case 'bridge': {
            const list = (await rig.sim.hand(at, ['xl', 'list'])).out;
            const domid = new RegExp(`^${vm}\\s+(\\d+)`, 'm').exec(list)?.[1];
            if (domid !== undefined) await run('ip', 'link', 'set', 'dev', `vif${domid}.0`, 'master', 'xenbr1');
            break;
          }
          case 'pause':
            await run('xl', 'pause', vm);
            break;
          case 'destroy':
            await run('xl', 'destroy', vm);
            break;
          case 'shutdown':
            await run('xl', 'shutdown', '-w', vm);
            break;
          case 'create':
            await run('xl', 'create', '-q', cfg);
            break;
          case 'edit':
            files.write(cfg, uptodate.replace(/^vcpus *=.*$/m, `vcpus = ${n}`));
            break;
          case 'weight':
            await run('xl', 'sched-credit2', '-d', vm, '-w', String(100 * n));
            break;
          case 'pin':
            await run('xl', 'vcpu-pin', vm, '0', String(n % 4));
            break;
          case 'rename':
            await run('xl', 'rename', vm, `${vm}-${n}`);
            break;
          case 'cd':
            await run('xl', 'cd-eject', vm, 'hdc');
            break;
          case 'unlink':
            files.remove(`/etc/xen/auto/${vm}.cfg`);
            break;
          default:
            try {
              rig.sim.guest(at, vm).crash();
            } catch {
              // It does not run just now.
            }
        }
      };
      await fc.assert(
        fc.asyncProperty(fc.array(hand, { minLength: 1, maxLength: 5 }).filter(heard), async (hands) => {
          for (const h of hands) await act(h);
          await rig.sim.settle();
          // What was stopped on purpose may be stopped again: `stop` is what a hand's `xl create` of it costs.
          const allow = [{ disruption: 'recreate' as const, pattern: '*' }];
          const p = await rig.plan(f, { allow });
          expect(p.refused).toEqual([]);
          expect(p.operations).toHaveLength(p.bound);
          const outcome = await rig.apply(p);
          expect({ failed: outcome.failed, skipped: outcome.skipped, stale: outcome.stale }).toEqual({
            failed: [],
            skipped: [],
            stale: undefined,
          });
          await rig.sim.settle();
          const again = await rig.plan(f, { allow });
          expect(again.operations.map((o) => `${o.id}: ${o.reason}`)).toEqual([]);
          expect(again.vms).toEqual([]);
        }),
        { numRuns: 100 },
      );
    } finally {
      await rig.close();
    }
  }, 600_000);
});
