import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import type { Secret, Settings, VmType } from '../../../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg/grammar.ts';
import { keysOfSettings } from '../../../../src/toolstacks/xl/cfg/settings.ts';
import { cfgOfVm, vmOfCfg, type VmParsed } from '../../../../src/toolstacks/xl/cfg/vm.ts';

const read = (type: VmType, text: string): VmParsed => {
  const parsed = parseCfg(`name="x"\ntype="${type}"\n${text}\n`);
  return parsed.ok ? vmOfCfg(effective(parsed.entries)) : { ok: false, why: parsed.error.message };
};
const whole = (type: VmType, text: string): { readonly settings: Settings; readonly extra: readonly string[] } => {
  const vm = read(type, text);
  if (!vm.ok) throw new Error(vm.why);
  return { settings: vm.config.settings, extra: vm.config.extra.map((x) => x.key) };
};

describe('settings of a cfg', () => {
  it.each<[VmType, string, Settings]>([
    ['hvm', 'boot="dc"', { 'boot.order': ['cdrom', 'disk'] }],
    ['hvm', 'boot="ndc"', { 'boot.order': ['network', 'cdrom', 'disk'] }],
    ['hvm', 'bios="ovmf"', { 'boot.firmware': 'uefi' }],
    ['hvm', 'bios="rombios"', { 'boot.firmware': 'bios' }],
    ['hvm', 'vnc=0', { 'display.vnc': false }],
    ['hvm', 'vnc=1\nvnclisten="0.0.0.0"', { 'display.vnc': true, 'display.vnc.listen': '0.0.0.0' }],
    ['hvm', 'vncdisplay=7\nvncunused=0', { 'display.vnc.port': 5907 }],
    ['hvm', 'vncunused=0', { 'display.vnc.port': 5900 }],
    ['hvm', 'vncunused=1', { 'display.vnc.port': null }],
    ['hvm', 'vncpasswd=""', { 'display.vnc.password': null }],
    ['hvm', 'vncpasswd="x"', { 'display.vnc.password': { secret: 'kept', digest: digestText('x') } }],
    ['hvm', 'vncpasswd="***"', { 'display.vnc.password': { secret: 'kept', digest: null } }],
    ['hvm', 'spice=1\nspiceport=6000\nspicedisable_ticketing=1', { 'display.spice': true, 'display.spice.port': 6000 }],
    [
      'hvm',
      'spicehost="10.0.0.1"\nspicepasswd="x"\nspicedisable_ticketing=0',
      { 'display.spice.listen': '10.0.0.1', 'display.spice.password': { secret: 'kept', digest: digestText('x') } },
    ],
    ['hvm', 'serial="pty"', { serial: 'pty' }],
    ['hvm', 'usbdevice="tablet"', { tablet: true }],
    ['hvm', 'usbdevice=["tablet"]', { tablet: true }],
    ['pv', 'bootloader="pygrub"', { 'boot.bootloader': 'pygrub' }],
    ['pv', 'bootloader="/usr/lib/xen-4.17/bin/pygrub"', { 'boot.bootloader': 'pygrub' }],
    ['pvh', 'bootloader="/srv/loader"', { 'boot.bootloader': '/srv/loader' }],
    ['pvh', 'cpu_weight=512\ncap=0x32', { 'sched.weight': 512, 'sched.cap': 50 }],
    ['pvh', 'cpus="3,0-1"\ncpus_soft=2', { 'affinity.hard': '0-1,3', 'affinity.soft': '2' }],
    ['pvh', 'cpus="all"\npool="fast"', { 'affinity.hard': 'all', cpupool: 'fast' }],
    [
      'pvh',
      'on_poweroff="restart"\non_reboot="destroy"\non_crash="rename-restart"',
      { 'on.poweroff': 'restart', 'on.reboot': 'destroy', 'on.crash': 'rename-restart' },
    ],
  ])('%s: %s', (type, text, settings) => {
    expect(whole(type, text)).toEqual({ settings, extra: [] });
  });

  it.each<[VmType, string, readonly string[]]>([
    ['hvm', 'boot="cda"', ['boot']],
    ['hvm', 'boot="cc"', ['boot']],
    ['hvm', 'vnc="yes"', ['vnc']],
    ['hvm', 'vnclisten="0.0.0.0:1"', ['vnclisten']],
    ['hvm', 'vncdisplay=7', ['vncdisplay']],
    ['hvm', 'spicedisable_ticketing=1', ['spicedisable_ticketing']],
    ['hvm', 'spicepasswd="x"\nspicedisable_ticketing=1', ['spicepasswd', 'spicedisable_ticketing']],
    ['hvm', 'serial=["pty","pty"]', ['serial']],
    ['hvm', 'usbdevice="mouse"', ['usbdevice']],
    ['hvm', 'usbdevice=["tablet","mouse"]', ['usbdevice']],
    ['hvm', 'bootloader="pygrub"', ['bootloader']],
    ['pv', 'vnc=1\nvncpasswd="x"\nboot="c"\nserial="pty"', ['vnc', 'vncpasswd', 'boot', 'serial']],
    ['pvh', 'cpus=["0","1"]', ['cpus']],
    ['pvh', 'cpus="0-3,^1"', ['cpus']],
    ['pvh', 'cpus="nodes:0"', ['cpus']],
    ['pvh', 'on_crash="soft-reset"', ['on_crash']],
    ['pvh', 'cpu_weight="much"', ['cpu_weight']],
  ])('%s: %s stays as it is', (type, text, extra) => {
    expect(whole(type, text)).toEqual({ settings: {}, extra });
  });

  it.each<[string, RegExp]>([
    ['bios="grub"', /bios = grub/],
    ['on_crash="panic"', /on_crash = panic/],
    ['on_reboot=["restart"]', /on_reboot is a list/],
  ])('refuses %s', (text, why) => {
    const vm = read('hvm', text);
    expect(vm.ok ? '' : vm.why).toMatch(why);
  });
});

describe('settings that are written', () => {
  const secret: Secret = { secret: '${env:PW}', digest: null };
  const written = (type: VmType, settings: Settings, extra = ''): string => {
    const vm = read(type, extra);
    if (!vm.ok) throw new Error(vm.why);
    const text = cfgOfVm({ ...vm.config, settings: { ...vm.config.settings, ...settings } }, (s) =>
      s.secret === secret.secret ? '123' : null,
    );
    return text.ok ? (text.text.split('maxvcpus = 1\n')[1] ?? '') : text.why;
  };

  it.each<[VmType, Settings, string]>([
    [
      'hvm',
      { 'display.vnc': true, 'display.vnc.port': null, 'on.reboot': 'restart', 'boot.order': ['disk', 'cdrom'] },
      '',
    ],
    ['hvm', { 'display.vnc': false, tablet: true }, 'vnc = 0\nusbdevice = "tablet"\n'],
    ['hvm', { 'display.vnc.port': 5901 }, 'vncdisplay = 1\nvncunused = 0\n'],
    ['hvm', { 'display.vnc.password': secret }, 'vncpasswd = 123\n'],
    ['hvm', { 'display.spice': true }, 'spice = 1\nspicedisable_ticketing = 1\n'],
    ['hvm', { 'display.spice': true, 'display.spice.password': secret }, 'spice = 1\nspicepasswd = 123\n'],
    ['hvm', { 'boot.firmware': 'uefi', 'boot.order': ['network'] }, 'bios = "ovmf"\nboot = "n"\n'],
    ['pv', { 'boot.bootloader': 'pygrub', 'boot.order': ['network'] }, 'bootloader = "pygrub"\n'],
    ['pvh', { 'affinity.hard': '3', 'affinity.soft': '0; 1-2' }, 'cpus = 3\ncpus_soft = [ 0, "1-2" ]\n'],
    ['hvm', { 'display.vnc.port': 80 }, 'VNC cannot listen on a port below 5900'],
    [
      'hvm',
      { 'display.vnc.password': { secret: 'kept', digest: null } },
      'nobody knows the password that vncpasswd had',
    ],
    ['hvm', { 'display.vnc.password': { secret: '${env:NO}', digest: null } }, '${env:NO} has no value'],
  ])('%s: %j', (type, settings, text) => {
    expect(written(type, settings)).toBe(text);
  });

  it('win over what the cfg had under the same key', () => {
    expect(written('pvh', {}, 'cpus=["0","1"]\nnuma=1')).toBe('cpus = [ 0, 1 ]\nnuma = 1\n');
    expect(written('pvh', { 'affinity.hard': '1-2' }, 'cpus=["0","1"]\nnuma=1')).toBe('cpus = "1-2"\nnuma = 1\n');
  });

  it('leave out what the type of guest has not', () => {
    expect(keysOfSettings({ serial: 'pty', 'boot.bootloader': 'pygrub' }, 'pvh', () => null)).toEqual([
      { key: 'bootloader', value: 'pygrub' },
    ]);
  });
});
