import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStored } from '../../../../src/toolstacks/xl/read/libxl-json.ts';

type Json = Record<string, unknown>;

const lostOf = (json: Json): readonly string[] | undefined =>
  parseStored(new TextEncoder().encode(`${JSON.stringify(json)}\0`))?.lost;

const lists = ['4.17', '4.20'].map(
  (v) => new URL(`../../../../../shared/samples/xen-${v}-observed/xl-list-l.json`, import.meta.url),
);

describe('what real Xens print of plain guests', () => {
  it.skipIf(!lists.every((l) => existsSync(l)))(
    'is written back whole (skipped where ../shared/samples is missing)',
    () => {
      for (const list of lists) {
        const all = JSON.parse(readFileSync(list, 'utf8')) as readonly { config: Json }[];
        const lost = all.map(({ config }) => [(config['c_info'] as Json)['name'], lostOf(config)] as const);
        const some = lost.filter(([, what]) => what === undefined || what.length > 0);
        expect(some).toEqual(list.pathname.includes('4.17') ? [['win-1', ['viridian']]] : []);
      }
    },
  );
});

describe('what is told as lost', () => {
  const hvm = (more: Json): Json => ({ c_info: { type: 'hvm', name: 'a' }, b_info: { 'type.hvm': more } });
  it.each<[string, Json, readonly string[]]>([
    ['nothing', hvm({ vga: {}, vnc: { enable: 'True' }, boot: 'dc', usbdevice: 'tablet', usb: 'True' }), []],
    ['a default in so many words', hvm({ acpi: 'True', viridian: 'False' }), []],
    ['what switches a default off', hvm({ acpi: 'False' }), ['acpi']],
    ['another USB device', hvm({ usbdevice: 'host:1.2' }), ['usbdevice']],
    ['a second serial port', hvm({ serial_list: ['pty', 'pty'] }), ['serial']],
    ['a key that nobody knows', hvm({ brand_new: 1 }), ['brand_new']],
    ['one within VNC', hvm({ vnc: { enable: 'True', brand_new: 1 } }), ['vnc brand_new']],
    ['lists of devices', { c_info: {}, usbctrls: [{ version: 2 }], vtpms: [{}], channels: [] }, ['usbctrl', 'vtpm']],
    ['vCPUs pinned each in its way', { c_info: { type: 'pv' }, b_info: { vcpu_hard_affinity: [[0], [1]] } }, ['cpus']],
    ['a period of the scheduler', { b_info: { sched_params: { weight: 1, period: 3 } } }, ['period']],
    ['a watchdog', { on_watchdog: 'restart', on_soft_reset: 'soft_reset' }, ['on_watchdog']],
  ])('%s', (_, json, lost) => {
    expect(lostOf(json)).toEqual(lost);
  });
});
