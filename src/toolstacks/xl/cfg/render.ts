/** The whole text of a cfg that Reeve keeps: marker, a word for people, settings. And the text without the marker. */
import { digestBytes } from '../../../core/digest.ts';
import { cover, dereferenced } from '../../../core/password.ts';
import type { Secrets } from '../../../kinds/toolstack.ts';
import type { CfgRecord, Marker } from '../../../kinds/vm/live.ts';
import type { CfgValue, Secret, Settings, VmConfig } from '../../../kinds/vm/spec.ts';
import { effective, parseCfg } from './grammar.ts';
import { cfgOfVm } from './vm.ts';
import { Odd, type CfgSettings } from './values.ts';
import type { Written } from './write.ts';
import { markerLines } from './marker.ts';

/** `marker` null: the settings alone. `secretOf`: a password's value; null where it is not known. */
export const renderCfg = (
  marker: Marker | null,
  config: VmConfig,
  secretOf: (s: Secret) => string | null = () => null,
  standing?: CfgSettings,
): Written => {
  const settings = cfgOfVm(config, secretOf, standing);
  if (!settings.ok || marker === null) return settings;
  return { ok: true, text: `${markerLines(marker)}\n${settings.text}` };
};

const passwords = [
  ['display.vnc.password', 'vncpasswd'],
  ['display.spice.password', 'spicepasswd'],
] as const;

/** What the cfg that stands there says, its passwords among it. */
const standingIn = (record: CfgRecord | undefined): CfgSettings | undefined => {
  const parsed = record && parseCfg(record.text);
  return parsed?.ok ? effective(parsed.entries) : undefined;
};

/** The password of each reference that a file holds. */
type Named = Pick<Secrets, 'get'>;

/** Each reference within a value as the password that it stands for; `secrets` null: as one that the standing cfg gives. */
const namedIn = (value: CfgValue, key: string, secrets: Named | null): CfgValue => {
  if (typeof value !== 'string') return value.map((v) => namedIn(v, key, secrets));
  return dereferenced(value, (reference) => {
    const password = secrets === null ? cover : secrets.get(reference);
    if (password === undefined) throw new Odd(`${reference} has no value`);
    if (/[\s,;"']/.test(password))
      throw new Odd(`${reference} holds what ends a password in ${key}: a blank, comma or quote`);
    return password;
  });
};

/**
 * With the value of each password: of one that the file names by reference from `secrets`, of one that is kept from `record`,
 * the cfg that stands there now. `secrets` null: all from `record`.
 */
export const renderWith = (
  marker: Marker,
  config: VmConfig,
  secrets: Named | null,
  record: CfgRecord | undefined,
): Written => {
  const standing = standingIn(record);
  const values = new Map<Secret, string>();
  const own: Partial<Record<keyof Settings, Secret>> = {};
  for (const [name, key] of passwords) {
    const named = config.settings[name];
    if (!named) continue;
    // An object of its own: two passwords that are kept look alike.
    const secret = { ...named };
    own[name] = secret;
    const value = secrets === null || named.secret === 'kept' ? standing?.get(key) : secrets.get(named.secret);
    if (typeof value === 'string') values.set(secret, value);
  }
  const settings = { ...config.settings, ...own } as Settings;
  try {
    const extra = config.extra.map(({ key, value }) => ({ key, value: namedIn(value, key, secrets) }));
    return renderCfg(marker, { ...config, settings, extra }, (s) => values.get(s) ?? null, standing);
  } catch (e) {
    if (!(e instanceof Odd)) throw e;
    return { ok: false, why: e.why };
  }
};

/** The very bytes that were read. */
export const bytesOf = (record: CfgRecord, text: string = record.text): Uint8Array => {
  const encoder = new TextEncoder();
  const isUtf8 = digestBytes(encoder.encode(record.text)) === record.exact;
  return isUtf8 ? encoder.encode(text) : Uint8Array.from(text, (c) => c.charCodeAt(0));
};

/** All but what `renderCfg` puts on top. */
export const withoutMarker = (text: string): string =>
  text.replace(/^# reeve: [^\n]*(?:\n|$)(?:# Kept by Reeve;[^\n]*(?:\n|$))?\n?/, '');
