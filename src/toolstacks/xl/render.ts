/** The whole text of a cfg that Reeve keeps: marker, a word for people, settings. */
import type { Marker } from '../../kinds/vm/live.ts';
import type { VmConfig } from '../../kinds/vm/spec.ts';
import { cfgOfVm } from './cfg-vm.ts';
import type { Written } from './cfg-write.ts';
import { markerLines } from './marker.ts';

export const renderCfg = (marker: Marker, config: VmConfig): Written => {
  const settings = cfgOfVm(config);
  return settings.ok ? { ok: true, text: `${markerLines(marker)}\n${settings.text}` } : settings;
};
