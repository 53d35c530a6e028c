/** Starting, stopping and restarting a VM, and what puts a half-made restart right. */
import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import type { Step } from '../../../../src/core/step.ts';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import { ref } from '../../../../src/core/ref.ts';
import type { VmOp } from '../../../../src/kinds/vm/ops.ts';
import type { Domain } from '../../../../src/kinds/vm/live.ts';
import { plainDisk } from '../../../../src/kinds/vm/spec.ts';
import { memoryNeed } from '../../../../src/toolstacks/xl/lower/memory-need.ts';
import { pathsOf } from '../../../../src/toolstacks/xl/lower/needs.ts';
import { rescue } from '../../../../src/toolstacks/xl/lower/rescue.ts';
import * as o from './ops.ts';

const { config, domain, lowered, MiB, moved, newPath, none, path, recordOf, refused, restart, server } = o;
const { start, steps, stop, textOf, up, uuid, words } = o;

describe('start', () => {
  it('needs a server that runs it, name, files, bridges and room', () => {
    expect(lowered(start(), none)).toMatchObject({
      before: [
        { is: 'domain', uuid, state: 'gone' },
        { is: 'runs', type: 'pvh' },
        { is: 'name-free', name: 'web', uuid },
        { is: 'path', path },
        { is: 'path', path: '/k' },
        { is: 'path', path: '/r' },
        { is: 'path', path: '/d' },
        { is: 'bridge', name: 'br0' },
        { is: 'room', kib: memoryNeed(config) },
        { is: 'unsaved', name: 'web' },
      ],
      after: [{ is: 'domain', uuid, state: 'running' }],
    });
    expect(pathsOf(start())).toEqual([path, '/k', '/r', '/d']);
    expect(steps(start(), none)).toEqual(['xl create -q /etc/xen/web.cfg']);
    expect(steps(start({ paused: true }), none)).toEqual(['xl create -q -p /etc/xen/web.cfg']);
  });

  it('of HVM needs a QEMU and the media of its drives, and a failure is explained by QEMU’s log', () => {
    const l = lowered(start({ config: o.hvmConfig }), none);
    expect(l.before.slice(1, 3)).toEqual([{ is: 'runs', type: 'hvm' }, { is: 'has-qemu' }]);
    expect(pathsOf(start({ config: o.hvmConfig }))).toEqual([path, '/d', '/x.iso']);
    expect(l.steps).toMatchObject([{ explain: ['tail', '-n', '5', '/var/log/xen/qemu-dm-web.log'] }]);
    expect(lowered(start(), none).steps[0]).not.toHaveProperty('explain');
  });

  it('of others needs a QEMU for such disks only, a cpupool and a bootloader where they are named', () => {
    const settings = { cpupool: 'fast', 'boot.bootloader': '/usr/bin/mygrub' };
    const disks = { xvda: { ...plainDisk, path: '/d', format: 'qcow2' }, xvdb: { ...plainDisk, path: 'nbd:s:1' } };
    const odd = { ...config, type: 'pv' as const, settings, disks };
    expect(lowered(start({ config: odd }), none).before.slice(1, 4)).toEqual([
      { is: 'runs', type: 'pv' },
      { is: 'has-qemu' },
      { is: 'has-cpupool', name: 'fast' },
    ]);
    expect(pathsOf(start({ config: odd }))).toEqual([path, '/k', '/r', '/usr/bin/mygrub', '/d']);
    const pygrub = { ...config, settings: { 'boot.bootloader': 'pygrub' } };
    expect(pathsOf(start({ config: pygrub }))).toEqual([path, '/k', '/r', '/d']);
  });

  it('clears only a domain that has ended, or is there in part', () => {
    const crashed = server([{ ...domain, state: 'crashed' }]);
    for (const seen of [crashed, server([{ ...domain, state: 'dying' }])]) {
      expect(steps(start({ clear: true }), seen)).toEqual([
        'try xl destroy 7',
        'until gone',
        'xl create -q /etc/xen/web.cfg',
      ]);
      expect(lowered(start({ clear: true }), seen).before[0]).toEqual({ is: 'domain', uuid, state: 'over' });
    }
    for (const [clear, seen] of [
      [true, up],
      [false, crashed],
    ] as const) {
      expect(steps(start({ clear }), seen)).toEqual(['xl create -q /etc/xen/web.cfg']);
      expect(lowered(start({ clear }), seen).before[0]).toEqual({ is: 'domain', uuid, state: 'gone' });
    }
  });

  it('that was killed leaves a paused domain, which goes', () => {
    const half = server([{ ...domain, state: 'paused' }]);
    expect(words(rescue(start(), none, half))).toEqual(['try xl destroy 7', 'until gone']);
    expect(rescue(start(), none, up)).toEqual([]);
    expect(rescue(start(), up, up)).toEqual([]);
  });
});

describe('suspend and resume', () => {
  const file = `/srv/s/suspended/${uuid}.save`;
  const base = { vm: ref('vm', 'web'), server: 'dom01', uuid, name: 'web', file, config } as const;
  const suspend: VmOp = { ...base, verb: 'suspend', folder: '/srv/s', farm: 'acme', repository: 's', leaves: null };
  const resume: VmOp = { ...base, verb: 'resume', path, lease: null };
  const paused = server([{ ...domain, state: 'paused' }]);
  const image = { is: 'there', marker: null, empty: false, space: null, disks: {}, images: {}, leases: {} } as const;
  const withImage: ServerSeen = {
    ...paused,
    storage: { ...paused.storage, stores: { '/srv/s': { ...image, saved: [uuid] } } },
  };

  it('keep the domain until its image is whole, and remove the image before it runs', () => {
    expect(steps(suspend, up)).toEqual([
      'mkdir -p /srv/s/suspended',
      `rm -rf ${file}.part`,
      `mkdir -m 700 ${file}.part`,
      `xl save -p 7 ${file}.part/${uuid}.save`,
      expect.stringMatching(/^sh -c mv -n .* && rmdir/),
      'try xl destroy 7',
      'until gone',
    ]);
    expect(steps(resume, none)).toEqual([`xl restore -p ${file}`, 'until paused', `rm -f ${file}`, 'xl unpause web']);
  });

  it('that failed let it go on where it was saved, and destroy no domain whose image is gone', () => {
    expect(words(rescue(suspend, up, paused))).toEqual([`rm -rf ${file}.part`, `rm -f ${file}`, 'xl unpause 7']);
    expect(rescue(suspend, up, up)).toEqual([]);
    expect(rescue(suspend, up, none)).toEqual([]);
    expect(words(rescue(resume, none, withImage))).toEqual(['try xl destroy 7', 'until gone']);
    expect(rescue(resume, none, paused)).toEqual([]);
  });
});

describe('stop', () => {
  const clearing = [
    'try xl shutdown 7',
    ['until down, or', 'try xl shutdown 7', 'until down'],
    'try xl destroy 7',
    'until gone',
  ];
  it.each<[string, Partial<Domain>, boolean, readonly unknown[]]>([
    ['asks twice', {}, false, ['try xl shutdown 7', ['until gone, or', 'try xl shutdown 7', 'until gone']]],
    [
      'destroys where it may',
      {},
      true,
      [
        'try xl shutdown 7',
        ['until gone, or', 'try xl shutdown 7', ['until gone, or', 'try xl destroy 7', 'until gone']],
      ],
    ],
    [
      'shows HVM the power button where it does not hear',
      { type: 'hvm' },
      false,
      ['try xl shutdown -F 7', ['until gone, or', 'try xl trigger 7 power', 'until gone']],
    ],
    [
      'shows HVM without PV drivers nothing else',
      { type: 'hvm', pvDrivers: false },
      true,
      [
        'try xl shutdown -F 7',
        ['until gone, or', 'try xl shutdown -F 7', ['until gone, or', 'try xl destroy 7', 'until gone']],
      ],
    ],
    ['clears away where nobody else does', { monitored: false }, false, clearing],
    ['clears away where that is not known', { monitored: undefined }, false, clearing],
    ['clears what is to be preserved', { settings: { 'on.poweroff': 'preserve' } }, false, clearing],
    [
      'destroys what would start again',
      { settings: { 'on.poweroff': 'restart' } },
      true,
      ['try xl destroy 7', 'until gone'],
    ],
    [
      'shuts down what nobody starts again',
      { settings: { 'on.poweroff': 'restart' }, monitored: false },
      false,
      clearing,
    ],
    ['clears what has ended', { state: 'shutdown' }, false, ['try xl destroy 7', 'until gone']],
    ['waits for what is dying', { state: 'dying' }, false, [['until gone, or', 'try xl destroy 7', 'until gone']]],
  ])('%s', (_, more, force, expected) => {
    expect(steps(stop(force), server([{ ...domain, ...more }]))).toEqual(expected);
  });

  it('has nothing to do where it is gone', () => {
    expect(lowered(stop(true), none)).toMatchObject({ before: [], steps: [], after: [{ state: 'gone' }] });
  });

  it('tells of a guest that is destroyed, and of nothing else', () => {
    const newsIn = (all: readonly Step[]): readonly string[] =>
      all.flatMap((s) => (s.do === 'await' ? newsIn(s.otherwise) : s.do === 'exec' && s.news ? [s.news.why] : []));
    const told = (more: Partial<Domain>, force = true) =>
      newsIn(lowered(stop(force), server([{ ...domain, ...more }])).steps);
    expect(told({})).toEqual(['it did not shut down within 1 min, and was destroyed']);
    expect(told({ settings: { 'on.poweroff': 'restart' } })).toEqual([
      'it starts again whenever it shuts down (on_poweroff), so it was destroyed',
    ]);
    expect(told({}, false)).toEqual([]);
    expect(told({ state: 'crashed' })).toEqual([]);
    expect(told({ monitored: false }, false)).toEqual([]);
  });

  it('does not destroy unasked what would start again', () => {
    const restarting = server([{ ...domain, settings: { 'on.poweroff': 'rename-restart' } }]);
    for (const op of [stop(false), restart()]) {
      expect(refused(op, restarting)).toBe(
        'web starts again whenever it shuts down (on.poweroff), so that it can only be destroyed',
      );
    }
  });
});

describe('restart', () => {
  const check = `/run/reeve/check-${uuid}.cfg`;
  const down = ['try xl shutdown 7', ['until gone, or', 'try xl shutdown 7', 'until gone']];

  it('tries the new cfg before anything is touched', () => {
    const create = `xl create -q ${path}`;
    const tries = [`write ${check}`, `xl -N create ${check}`, `remove ${check}`, `write ${path}`];
    expect(steps(restart(), up)).toEqual([...tries, ...down, create]);
    expect(steps(restart({ write: false }), up)).toEqual([`xl -N create ${path}`, ...down, create]);
    expect(steps(restart(), none)).toEqual([...tries, create]);
    // The memory that it has counts towards what it needs.
    expect(lowered(restart(), up).before).toContainEqual({ is: 'room', kib: memoryNeed(config) - 128 * MiB });
  });

  it('to another type looks at what that needs', () => {
    const l = lowered(restart({ record: { ...o.record, config: o.hvmConfig } }), up);
    expect(l.before).toContainEqual({ is: 'runs', type: 'hvm' });
    expect(l.before).toContainEqual({ is: 'path', path: '/x.iso' });
    expect(textOf(l.steps, check)).toContain('type = "hvm"');
    expect(l.steps.at(-1)).toHaveProperty('explain');
    expect(l.steps.at(-1)).toMatchObject({ argv: ['xl', 'create', '-q', path] });
  });

  const text = textOf(lowered(restart(), up).steps, path);
  const before = server([domain], [recordOf('old')]);
  const rescued = (now: ServerSeen, write = true): readonly unknown[] => words(rescue(restart({ write }), before, now));

  it('starts the old cfg where the new one will not', () => {
    const now = server([], [recordOf(text)]);
    expect(rescued(now)).toEqual([`remove ${check}`, `write ${path}`, `xl create -q ${path}`, 'until running']);
    const write = rescue(restart(), before, now)[1];
    expect(write).toMatchObject({ bytes: new TextEncoder().encode('old'), onlyIf: digestText(text) });
  });

  it('leaves a cfg alone that somebody else wrote', () => {
    expect(rescued(server([], [recordOf('edited')]))).toEqual([
      `remove ${check}`,
      `xl create -q ${path}`,
      'until running',
    ]);
  });

  it('clears away a new domain that died at once', () => {
    const crashed = { ...domain, domid: 8, state: 'crashed' as const };
    expect(rescued(server([crashed], [recordOf(text)]))).toEqual([
      `remove ${check}`,
      'try xl destroy 8',
      'until gone',
      `write ${path}`,
      `xl create -q ${path}`,
      'until running',
    ]);
  });

  it('clears away what is half made where nothing ran before', () => {
    const half = server([{ ...domain, state: 'paused' }], [recordOf(text)]);
    expect(words(rescue(restart(), none, half))).toEqual([`remove ${check}`, 'try xl destroy 7', 'until gone']);
  });

  it('leaves a guest that would not go down as it is', () => {
    expect(rescued(server([domain], [recordOf(text)]))).toEqual([`remove ${check}`]);
    expect(rescued(server([domain], [recordOf('old')]), false)).toEqual([]);
  });

  it('gives back the very bytes that were read', () => {
    const latin = { ...recordOf('# Gr\xf6\xdfe\n'), digest: '', exact: '' };
    const put = rescue(restart(), server([domain], [latin]), server([], [recordOf(text)]));
    expect(put[1]).toMatchObject({ bytes: Uint8Array.from([35, 32, 71, 114, 0xf6, 0xdf, 101, 10]) });
  });

  it('knows its own cfg again by the passwords that stand in it', () => {
    const settings = { 'display.vnc.password': { secret: '${env:VNC}', digest: null } };
    const op = restart({ record: { ...o.record, config: { ...o.hvmConfig, settings } } });
    const wrote = textOf(lowered(op, before, new Map([['${env:VNC}', 'hunter2']])).steps, path);
    expect(wrote).toContain('hunter2');
    expect(words(rescue(op, before, server([], [recordOf(wrote)])))).toContain(`write ${path}`);
    const edited = recordOf(`${wrote}vga = "cirrus"\n`);
    expect(words(rescue(op, before, server([], [edited])))).not.toContain(`write ${path}`);
  });
});

describe('restart under a new name', () => {
  const check = `/run/reeve/check-${uuid}.cfg`;
  const op = restart({ record: moved });
  const before = server([domain], [recordOf('old')]);
  const text = textOf(lowered(op, before).steps, newPath);

  it('writes the new cfg, and has the old one go before the VM goes down', () => {
    expect(steps(op, before)).toEqual([
      `write ${check}`,
      `xl -N create ${check}`,
      `remove ${check}`,
      `write ${newPath}`,
      `remove ${path}`,
      'try xl shutdown 7',
      ['until gone, or', 'try xl shutdown 7', 'until gone'],
      `xl create -q ${newPath}`,
    ]);
    expect(lowered(op, before).before).toContainEqual({ is: 'record', path, digest: digestText('old') });
    expect(lowered(op, before).before).toContainEqual({ is: 'name-free', name: 'www', uuid });
    expect(text).toContain('name = "www"');
  });

  it('puts the old one back and starts it where the new one will not', () => {
    const now = server([], [recordOf(text, newPath)]);
    const put = rescue(op, before, now);
    expect(words(put)).toEqual([
      `remove ${check}`,
      `write ${path}`,
      `remove ${newPath}`,
      `xl create -q ${path}`,
      'until running',
    ]);
    expect(put[1]).toMatchObject({ bytes: new TextEncoder().encode('old'), onlyIf: 'absent' });
    expect(put[2]).toMatchObject({ onlyIf: digestText(text) });
  });

  it('starts what somebody made of the new one meanwhile', () => {
    expect(words(rescue(op, before, server([], [recordOf('edited', newPath)])))).toEqual([
      `remove ${check}`,
      `xl create -q ${newPath}`,
      'until running',
    ]);
  });

  it('has one cfg in the end where the old one could not be removed', () => {
    const both = server([domain], [recordOf('edited'), recordOf(text, newPath)]);
    expect(words(rescue(op, before, both))).toEqual([`remove ${check}`, `remove ${newPath}`]);
    // Unless the new one runs already.
    const runs = server([{ ...domain, domid: 8, name: 'www' }], both.records);
    expect(words(rescue(op, before, runs))).toEqual([`remove ${check}`]);
    const taken = server([domain], [recordOf(text, newPath)]);
    expect(words(rescue(op, before, taken))).toEqual([`remove ${check}`]);
  });
});
