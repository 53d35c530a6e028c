/** Writing, moving, linking, releasing and removing cfgs; passwords in them; and what the plan's reader is shown. */
import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import type { CfgDraft, VmOp } from '../../../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic, type Settings } from '../../../../src/kinds/vm/spec.ts';
import { commands } from '../../../../src/toolstacks/xl/lower/commands.ts';
import { memoryNeed } from '../../../../src/toolstacks/xl/lower/memory-need.ts';
import { rescue } from '../../../../src/toolstacks/xl/lower/rescue.ts';
import * as o from './ops.ts';

const { base, config, domain, lowered, MiB, moved, newPath, none, path, record, recordOf, refused } = o;
const { restart, server, start, steps, stop, textOf, up, uuid, words } = o;

const define = (draft: CfgDraft, update = false): VmOp => ({ ...base, verb: 'define', record: draft, update });
const links = ['/etc/xen/auto/10-web', '/etc/xen/auto/web.cfg'];
const link = '/etc/xen/auto/web.cfg';

describe('cfgs', () => {
  it('are written compare and swap, and handed to the domain for its next reboot', () => {
    expect(steps(define(record), up)).toEqual(['write /etc/xen/web.cfg']);
    expect(steps(define(record, true), up)).toEqual(['write /etc/xen/web.cfg', 'xl config-update 7 /etc/xen/web.cfg']);
    expect(steps(define(record, true), none)).toEqual(['write /etc/xen/web.cfg']);
    const l = lowered(define(record), up);
    const text = textOf(l.steps, path);
    expect(l.steps[0]).toMatchObject({ mode: 0o600, onlyIf: 'old' });
    expect(text).toMatch(/^# reeve: \{.*\}\n# .*\n\nname = "web"\n/);
    expect(l.after).toEqual([{ is: 'record', path, digest: digestText(text) }]);
  });

  it('that xl cannot hold are refused', () => {
    expect(refused(define({ ...record, config: { ...config, name: 'a\0' } }), up)).toBe(
      '/etc/xen/web.cfg cannot be written: name: a NUL byte cannot stand in an xl.cfg',
    );
  });

  it('move with the name of the VM', () => {
    const before = server([domain], [recordOf('old')]);
    const l = lowered(define(moved, true), before);
    expect(words(l.steps)).toEqual([`write ${newPath}`, `remove ${path}`, `xl config-update 7 ${newPath}`]);
    expect(l.steps[1]).toMatchObject({ onlyIf: digestText('old') });
    expect(l.before).toEqual([{ is: 'record', path, digest: digestText('old') }]);
    const text = textOf(l.steps, newPath);
    expect(l.after).toEqual([
      { is: 'record', path: newPath, digest: digestText(text) },
      { is: 'record', path, digest: 'absent' },
      { is: 'given', uuid: base.uuid, digest: digestText(text) },
    ]);
    // The old one was edited in between: then it stays, and the new one goes again.
    const both = server([domain], [recordOf('edited'), recordOf(text, newPath)]);
    expect(rescue(define(moved), before, both)).toEqual([{ do: 'remove', path: newPath, onlyIf: digestText(text) }]);
    expect(rescue(define(moved), before, server([domain], [recordOf(text, newPath)]))).toEqual([]);
    expect(rescue(define(record), before, before)).toEqual([]);
  });

  it('are linked and unlinked for the server’s start', () => {
    const on = { ...base, verb: 'autostart', via: null, path, on: true, link } as const;
    expect(steps({ ...on, links: [] }, up)).toEqual(['mkdir -p /etc/xen/auto', `ln -sfn ${path} ${link}`]);
    expect(steps({ ...on, links }, up)).toEqual([
      'mkdir -p /etc/xen/auto',
      `ln -sfn ${path} ${link}`,
      'rm -f /etc/xen/auto/10-web',
    ]);
    expect(steps({ ...on, on: false, links }, up)).toEqual(['rm -f /etc/xen/auto/10-web', `rm -f ${link}`]);
    expect(lowered({ ...on, links }, up).after).toEqual([
      { is: 'autostart', path, link: on.link, via: null, gone: links.filter((l) => l !== on.link) },
    ]);
  });

  it('are removed only when the domain is gone', () => {
    const op: VmOp = { ...base, verb: 'undefine', path, digest: 'd', links: [link] };
    expect(lowered(op, none)).toMatchObject({
      before: [{ is: 'domain', state: 'gone' }],
      steps: [{ argv: ['rm', '-f', link] }, { do: 'remove', path, onlyIf: 'd' }],
      after: [{ is: 'record', path, digest: 'absent' }],
    });
  });

  it('are given back without the marker, to the byte', () => {
    const bare = lowered(define(record), up);
    const text = textOf(bare.steps, path);
    const rest = text.slice(text.indexOf('name ='));
    const release = (digest: string): VmOp => ({ ...base, verb: 'release', path, digest });
    const l = lowered(release(digestText(text)), server([domain], [recordOf(text)]));
    expect(textOf(l.steps, path)).toBe(rest);
    expect(l).toMatchObject({
      before: [{ is: 'record', path, digest: digestText(text) }],
      steps: [{ do: 'write', onlyIf: digestText(text), mode: 0o600 }],
      after: [{ is: 'record', path, digest: digestText(rest) }],
    });
    // Comments and bytes that are no UTF-8 stay.
    const latin = { ...recordOf(`# reeve: {}\n# Gr\xf6\xdfe\n${rest}`), digest: 'd', exact: 'd' };
    const step = lowered(release('d'), server([], [latin])).steps[0];
    const bytes = step?.do === 'write' ? step.bytes : new Uint8Array();
    expect(Array.from(bytes.slice(0, 7))).toEqual([35, 32, 71, 114, 0xf6, 0xdf, 101]);
  });
});

describe('passwords', () => {
  const draft = (settings: Settings): CfgDraft => ({ ...record, config: { ...o.hvmConfig, settings } });
  const vnc = (secret: string): Settings => ({ 'display.vnc.password': { secret, digest: null } });
  const cfg = (settings: Settings, seen = up, secrets: Record<string, string> = {}): string =>
    textOf(lowered(define(draft(settings)), seen, new Map(Object.entries(secrets))).steps, path);
  const both: Settings = {
    ...vnc('kept'),
    'display.spice': true,
    'display.spice.port': 6000,
    'display.spice.password': { secret: 'kept', digest: null },
  };

  it('are written as the reference’s value', () => {
    expect(cfg(vnc('${env:VNC}'), up, { '${env:VNC}': 'hunter2' })).toContain('vncpasswd = "hunter2"');
    expect(refused(define(draft(vnc('${env:VNC}'))), up)).toMatch(/^\/etc\/xen\/web\.cfg cannot be written: /);
  });

  it('that are kept are those of the cfg that stands there', () => {
    const old = 'name = "web"\nvncpasswd = "one"\nspicepasswd = "two"\n';
    const text = cfg(both, server([domain], [recordOf(old)]));
    expect(text).toContain('vncpasswd = "one"');
    expect(text).toContain('spicepasswd = "two"');
    expect(refused(define(draft(both)), up)).toMatch(/cannot be written/);
    // Also from under an old name, or wherever the VM's cfg was found.
    const renamed = { ...draft(both), path: newPath, from: { path, digest: 'd' } };
    expect(textOf(lowered(define(renamed), server([], [recordOf(old)])).steps, newPath)).toContain('"one"');
    const elsewhere = { ...recordOf(old, '/etc/xen/x.cfg'), config };
    expect(cfg(both, server([], [elsewhere]))).toContain('"two"');
  });

  it('never stand in the marker or in a command', () => {
    const secrets = { '${env:VNC}': 'hunter2' };
    expect(cfg(vnc('${env:VNC}'), up, secrets).split('\n')[0]).not.toContain('hunter2');
    const l = lowered(restart({ record: draft(vnc('${env:VNC}')) }), up, new Map(Object.entries(secrets)));
    expect(JSON.stringify(l.steps.filter((s) => s.do === 'exec'))).not.toContain('hunter2');
    expect(commands(restart({ record: draft(vnc('${env:VNC}')) })).join()).not.toContain('VNC');
  });
});

describe('for the reader', () => {
  const device = { ...plainNic, mac: '02:00:00:00:00:02', bridge: 'br0', rate: '125000B/s@50000us' };
  it.each<[VmOp, readonly string[]]>([
    [start({ clear: true }), ['xl destroy web', 'xl create -q /etc/xen/web.cfg']],
    [stop(true), ['xl shutdown web', 'xl destroy web']],
    [
      restart(),
      [
        `xl -N create /run/reeve/check-${uuid}.cfg`,
        'write /etc/xen/web.cfg',
        'xl shutdown web',
        'xl create -q /etc/xen/web.cfg',
      ],
    ],
    [
      restart({ record: moved, force: true }),
      [
        `xl -N create /run/reeve/check-${uuid}.cfg`,
        'write /etc/xen/www.cfg',
        'rm /etc/xen/web.cfg',
        'xl shutdown web',
        'xl destroy web',
        'xl create -q /etc/xen/www.cfg',
      ],
    ],
    [define(record, true), ['write /etc/xen/web.cfg', 'xl config-update web /etc/xen/web.cfg']],
    [define(moved), ['write /etc/xen/www.cfg', 'rm /etc/xen/web.cfg']],
    [
      { ...base, verb: 'autostart', via: null, path, on: true, link, links },
      [`ln -sfn ${path} ${link}`, 'rm -f /etc/xen/auto/10-web'],
    ],
    [
      { ...base, verb: 'attach-disk', vdev: 'xvdb', disk: { ...plainDisk, access: 'ro', path: '/my disk' } },
      ["xl block-attach web 'format=raw,vdev=xvdb,access=ro,target=/my disk'"],
    ],
    [{ ...base, verb: 'detach-disk', vdev: 'xvdb', path: '/d' }, ['xl block-detach web xvdb']],
    [
      { ...base, verb: 'attach-nic', nic: 'eth1', mac: device.mac, bridge: 'br0', device },
      ['xl network-attach web mac=02:00:00:00:00:02 bridge=br0 rate=125000B/s@50000us'],
    ],
    [{ ...base, verb: 'detach-nic', nic: 'eth1', mac: device.mac }, ['xl network-detach web 02:00:00:00:00:02']],
    [
      { ...base, verb: 'move-nic', nic: 'eth1', mac: device.mac, bridge: 'br1', from: 'br0' },
      ['ip link set dev vifDOMID.DEVID master br1'],
    ],
    [{ ...base, verb: 'set-memory', kib: 256 * MiB, from: 0 }, ['xl mem-set web 256m']],
    [{ ...base, verb: 'set-vcpus', count: 3, from: 1 }, ['xl vcpu-set web 3']],
    [{ ...base, verb: 'set-sched', weight: 512, cap: 0, scheduler: 'credit' }, ['xl sched-credit -d web -w 512 -c 0']],
    [{ ...base, verb: 'set-affinity', hard: '0-1', soft: 'all' }, ['xl vcpu-pin web all 0-1 all']],
    [{ ...base, verb: 'set-cpupool', pool: 'fast', from: 'Pool-0' }, ['xl cpupool-migrate web fast']],
    [{ ...base, verb: 'rename', to: 'www' }, ['xl rename web www']],
    [{ ...base, verb: 'change-cd', vdev: 'hdc', path: '/my.iso', from: '' }, ['xl cd-insert web hdc /my.iso']],
    [{ ...base, verb: 'change-cd', vdev: 'hdc', path: null, from: '/my.iso' }, ['xl cd-eject web hdc']],
    [
      { ...base, verb: 'ready', ready: { host: '10.1.2.3', port: 443, from: 'dom0', withinMs: 1 } },
      ['wait for tcp 10.1.2.3:443 from dom1'],
    ],
    [
      { ...base, verb: 'ready', ready: { host: '2001:db8::1', port: 443, from: 'here', withinMs: 1 } },
      ["wait for tcp '[2001:db8::1]:443'"],
    ],
    [{ ...base, verb: 'pause' }, ['xl pause web']],
    [{ ...base, verb: 'release', path, digest: 'd' }, ['write /etc/xen/web.cfg']],
    [{ ...base, verb: 'undefine', path, digest: 'd', links }, [...links.map((l) => `rm -f ${l}`), `rm ${path}`]],
  ])('$verb', (op, expected) => {
    expect(commands(op)).toEqual(expected);
  });
});

describe('the memory that a VM takes', () => {
  /** Free memory that a create really cost on Xen 4.17, in MiB: type, target, maximum, vCPUs. */
  it.each([
    ['pvh', 128, 128, 1, 130],
    ['pvh', 128, 1024, 1, 133],
    ['pvh', 128, 128, 8, 137],
    ['pvh', 128, 160, 3, 132],
    ['pvh', 1024, 1024, 4, 1032],
    ['pvh', 1500, 1500, 16, 1523],
    ['pvh', 64, 2048, 2, 74],
    ['pv', 192, 224, 2, 193],
    ['hvm', 192, 192, 2, 195],
  ])('%s of %i of %i MiB with %i vCPUs cost %i MiB', (type, target, max, vcpus, cost) => {
    const need = memoryNeed({ type, vcpus: { max: vcpus }, memory: { target: target * MiB, max: max * MiB } });
    expect(need / MiB).toBeGreaterThanOrEqual(cost);
    expect(need / MiB).toBeLessThanOrEqual(cost + 4 + Math.ceil(max / 200));
  });
});
