/** The keys of an xl.cfg that each version of xl reads; it passes over all others without a word. */

/** Xen 4.14's. Words that begin alike are put together. */
const base = `
acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2mhvm apic bios bios_path_override boot bootloader
bootloader_args builder cap channel cmdline cpu_weight cpuid cpus cpus_soft device_model device_model_args
device_model_override device_model_stubdomain_override device_model_stubdomain_seclabel device_model_user
device_model_version device_tree disk display dm_restrict driver_domain dtdev e820_host extra extratime firmware
firmware_override gfx_passthru gic_version hap hdtype hpet init_seclabel iomem ioports irqs kernel keymap latency localtime
max_event_channels max_grant_frames max_maptrack_frames maxmem maxvcpus mca_caps memory mmio_hole ms_vm_genid name nestedhvm
nographic nomigrate nx on_crash on_poweroff on_reboot on_soft_reset on_watchdog oos opengl p9 pae passthrough pci
pci_msitranslate pci_permissive pci_power_mgmt pci_seize period pool pvcalls pvshim pvshim_cmdline pvshim_extra pvshim_path
ramdisk rdm rdm_mem_boundary root rtc_timeoffset sdl seclabel serial shadow_memory slice smbios_firmware soundhw spice
spice_clipboard_sharing spice_image_compression spice_streaming_video spiceagent_mouse spicedisable_ticketing spicehost
spicepasswd spiceport spicetls_port spiceusbredirection spicevdagent stdvga stubdomain_kernel stubdomain_memory
stubdomain_ramdisk tee timer_mode tsc_mode type usb usbctrl usbdev usbdevice usbversion uuid vcpus vdispl vendor_device vfb
vga videoram vif vif2 viridian vkb vkb_device vnc vncdisplay vnclisten vncpasswd vncunused vncviewer vnuma vpt_align vsnd
vtpm vuart xauthority xen_platform_pci xend_suspend_evtchn_compat`;

/** By the minor version of Xen 4 that brought them; none has ever been taken out. Which of 15 and 16 is not known. */
const added: readonly (readonly [number, string])[] = [
  [15, 'max_grant_version msr_relaxed stubdomain_cmdline vmtrace_buf_kb vpmu'],
  [18, 'bootloader_restrict bootloader_user smbios sve virtio'],
  [19, 'hvm_pirq nr_spis'],
  [20, 'llc_colors'],
  [21, 'altp2m_count arm_sci trap_unmapped_accesses xen_platform_pci_bar_uc xenstore_feature_mask'],
];
const newest = 21;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Those of `keys` that this Xen does not know; none where it is newer than the newest list. */
export const unknownKeys = (
  keys: readonly string[],
  xen: { readonly major: number; readonly minor: number },
): readonly string[] => {
  if (xen.major > 4 || (xen.major === 4 && xen.minor > newest)) return [];
  const known = new Set(words(base));
  for (const [minor, more] of added)
    if (xen.major === 4 && minor <= xen.minor) for (const w of words(more)) known.add(w);
  return keys.filter((key) => !known.has(key));
};
