/** Keys of an xl.cfg that xl only hands on: where each stands in libxl's JSON, and in which form. */
import type { Settings, Value } from './cfg.ts';
import { table } from '../core/table.ts';

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json | undefined };
type Fields = Readonly<Record<string, Json>>;

/** Beside what the simulator understands: for `c_info`, for `b_info`, and for the union of the type (`type.hvm`). */
export interface HandedOn {
  readonly create: Fields;
  readonly build: Fields;
  readonly typed: Fields;
}

type Kind = 'bool' | 'int' | 'text' | 'mib' | 'words';
/** JSON name, key in the cfg, form. */
type Row = readonly [string, string, Kind];

const create: readonly Row[] = [
  ['hap', 'hap', 'bool'],
  ['oos', 'oos', 'bool'],
  ['ssid_label', 'seclabel', 'text'],
  ['driver_domain', 'driver_domain', 'bool'],
  ['passthrough', 'passthrough', 'text'],
];

const build: readonly Row[] = [
  ['video_memkb', 'videoram', 'mib'],
  ['shadow_memkb', 'shadow_memory', 'mib'],
  ['rtc_timeoffset', 'rtc_timeoffset', 'int'],
  ['localtime', 'localtime', 'bool'],
  ['disable_migrate', 'nomigrate', 'bool'],
  ['max_grant_frames', 'max_grant_frames', 'int'],
  ['max_maptrack_frames', 'max_maptrack_frames', 'int'],
  ['device_model', 'device_model_override', 'text'],
  ['device_model_user', 'device_model_user', 'text'],
  ['extra', 'device_model_args', 'words'],
  ['extra_pv', 'device_model_args_pv', 'words'],
  ['extra_hvm', 'device_model_args_hvm', 'words'],
  ['event_channels', 'max_event_channels', 'int'],
  ['device_tree', 'device_tree', 'text'],
  ['acpi', 'acpi', 'bool'],
  ['bootloader_args', 'bootloader_args', 'words'],
  ['timer_mode', 'timer_mode', 'text'],
  ['nested_hvm', 'nestedhvm', 'bool'],
  ['dm_restrict', 'dm_restrict', 'bool'],
  ['tee', 'tee', 'text'],
];

const hvm: readonly Row[] = [
  ['firmware', 'firmware_override', 'text'],
  ['pae', 'pae', 'bool'],
  ['acpi_s3', 'acpi_s3', 'bool'],
  ['acpi_s4', 'acpi_s4', 'bool'],
  ['acpi_laptop_slate', 'acpi_laptop_slate', 'bool'],
  ['nx', 'nx', 'bool'],
  ['hpet', 'hpet', 'bool'],
  ['vpt_align', 'vpt_align', 'bool'],
  ['altp2m', 'altp2mhvm', 'bool'],
  ['system_firmware', 'bios_path_override', 'text'],
  ['smbios_firmware', 'smbios_firmware', 'text'],
  ['acpi_firmware', 'acpi_firmware', 'text'],
  ['hdtype', 'hdtype', 'text'],
  ['nographic', 'nographic', 'bool'],
  ['keymap', 'keymap', 'text'],
  ['boot', 'boot', 'text'],
  ['usb', 'usb', 'bool'],
  ['usbversion', 'usbversion', 'int'],
  ['vkb_device', 'vkb_device', 'bool'],
  ['soundhw', 'soundhw', 'text'],
  ['xen_platform_pci', 'xen_platform_pci', 'bool'],
  ['vendor_device', 'vendor_device', 'text'],
];

const vnc: readonly Row[] = [
  ['enable', 'vnc', 'bool'],
  ['listen', 'vnclisten', 'text'],
  ['passwd', 'vncpasswd', 'text'],
  ['display', 'vncdisplay', 'int'],
  ['findunused', 'vncunused', 'bool'],
];

const sdl: readonly Row[] = [
  ['enable', 'sdl', 'bool'],
  ['opengl', 'opengl', 'bool'],
  ['display', 'display', 'text'],
  ['xauthority', 'xauthority', 'text'],
];

const spice: readonly Row[] = [
  ['enable', 'spice', 'bool'],
  ['port', 'spiceport', 'int'],
  ['tls_port', 'spicetls_port', 'int'],
  ['host', 'spicehost', 'text'],
  ['disable_ticketing', 'spicedisable_ticketing', 'bool'],
  ['passwd', 'spicepasswd', 'text'],
  ['agent_mouse', 'spiceagent_mouse', 'bool'],
  ['vdagent', 'spicevdagent', 'bool'],
  ['clipboard_sharing', 'spice_clipboard_sharing', 'bool'],
  ['usbredirection', 'spiceusbredirection', 'int'],
  ['image_compression', 'spice_image_compression', 'text'],
  ['streaming_video', 'spice_streaming_video', 'text'],
];

const numbered = (v: string): number => (Number.isNaN(Number(v)) ? 0 : Number(v));

/** Undefined where the value is libxl's default or of no use. */
const formed = (v: Value | undefined, kind: Kind): Json | undefined => {
  if (v === undefined) return undefined;
  if (typeof v !== 'string') return kind === 'words' ? v.filter((x) => typeof x === 'string') : undefined;
  switch (kind) {
    case 'bool':
      return numbered(v) === 0 ? 'False' : 'True';
    case 'int':
      return numbered(v) === 0 ? undefined : numbered(v);
    case 'mib':
      return numbered(v) * 1024;
    case 'words':
      return v.split(/\s+/).filter((w) => w !== '');
    case 'text':
      return v;
  }
};

const fieldsOf = (settings: Settings, rows: readonly Row[]): Fields => {
  const out: Record<string, Json> = table();
  for (const [name, key, kind] of rows) {
    const value = formed(settings.get(key), kind);
    if (value !== undefined) out[name] = value;
  }
  return out;
};

/** `vnc=1` and what belongs to it, as libxl keeps it. */
export const vncFields = (settings: Settings): Fields => fieldsOf(settings, vnc);

const bootModes: Readonly<Record<string, string>> = table({
  uefi: 'ovmf',
  ovmf: 'ovmf',
  seabios: 'seabios',
  rombios: 'rombios',
});

const atomOrList = (settings: Settings, key: string): Fields => {
  const v = settings.get(key);
  if (v === undefined) return {};
  return typeof v === 'string' ? { [key]: v } : { [`${key}_list`]: v.filter((x) => typeof x === 'string') };
};

const hvmFields = (settings: Settings): Fields => {
  const firmware = settings.get('firmware');
  const bios = settings.get('bios') ?? (typeof firmware === 'string' ? bootModes[firmware] : undefined);
  const viridian = settings.get('viridian');
  const vga = settings.get('vga');
  const stdvga = settings.get('stdvga');
  const kinds: Readonly<Record<string, string>> = table({ stdvga: 'std', cirrus: 'cirrus', none: 'none', qxl: 'qxl' });
  const kind =
    typeof vga === 'string' ? kinds[vga] : typeof stdvga === 'string' ? (stdvga === '0' ? 'cirrus' : 'std') : undefined;
  return {
    ...fieldsOf(settings, hvm),
    ...(typeof bios === 'string' ? { bios } : {}),
    ...(typeof firmware === 'string' && firmware !== 'bios' && bootModes[firmware] === undefined ? { firmware } : {}),
    ...(typeof viridian === 'string' ? { viridian: numbered(viridian) === 0 ? 'False' : 'True' } : {}),
    ...(typeof viridian === 'object' ? { viridian_enable: viridian.filter((x) => typeof x === 'string') } : {}),
    vga: kind === undefined ? {} : { kind },
    vnc: vncFields(settings),
    sdl: fieldsOf(settings, sdl),
    spice: fieldsOf(settings, spice),
    ...atomOrList(settings, 'serial'),
    ...atomOrList(settings, 'usbdevice'),
    rdm: {},
  };
};

export const handedOn = (settings: Settings, type: 'pv' | 'pvh' | 'hvm'): HandedOn => {
  const version = settings.get('device_model_version');
  const tsc = settings.get('tsc_mode');
  const modes = ['default', 'always_emulate', 'native', 'native_paravirt'];
  const mode = typeof tsc === 'string' ? (modes[Number(tsc)] ?? tsc) : 'default';
  return {
    create: fieldsOf(settings, create),
    build: {
      ...fieldsOf(settings, build),
      ...(mode === 'default' ? {} : { tsc_mode: mode }),
      ...(version === 'qemu-xen' ? { device_model_version: 'qemu_xen' } : {}),
      ...(type === 'hvm' ? fieldsOf(settings, [['apic', 'apic', 'bool']]) : {}),
    },
    typed:
      type === 'hvm'
        ? hvmFields(settings)
        : type === 'pv'
          ? fieldsOf(settings, [['e820_host', 'e820_host', 'bool']])
          : {},
  };
};

/** A value out of what was handed on: `handed(config.more.typed, 'vnc', 'listen')`. */
export const handed = (fields: Json | undefined, ...path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (at, key) =>
      typeof at === 'object' && !Array.isArray(at) ? (at as Record<string, Json | undefined>)[key] : undefined,
    fields,
  );

/** The same, where it is a string. */
export const handedText = (fields: Json | undefined, otherwise: string, ...path: readonly string[]): string => {
  const value = handed(fields, ...path);
  return typeof value === 'string' ? value : otherwise;
};
