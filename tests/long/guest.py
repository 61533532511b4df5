"""A guest on a host's own network: a server and its port as nova and neutron with OVN make them."""

NETWORK = """\
ovs-vsctl --may-exist add-br br-int -- set bridge br-int datapath_type=netdev fail-mode=secure
ovs-vsctl set open . external_ids:system-id=host1 external_ids:ovn-bridge-datapath-type=netdev \
    external_ids:ovn-remote=unix:/run/ovn/ovnsb_db.sock external_ids:ovn-encap-type=geneve \
    external_ids:ovn-encap-ip=10.88.0.11
ovn-nbctl ls-add net1
ovn-nbctl lsp-add net1 {port}
ovn-nbctl lsp-set-addresses {port} "02:00:00:00:00:07 192.0.2.7"
ovn-nbctl dhcp-options-create 192.0.2.0/24
options=$(ovn-nbctl dhcp-options-list)
ovn-nbctl dhcp-options-set-options $options server_id=192.0.2.1 server_mac=02:00:00:00:00:01 \
    lease_time=3600 router=192.0.2.1
ovn-nbctl lsp-set-dhcpv4-options {port} $options
"""
DOMAIN = """\
<domain type="qemu"><name>guest</name><memory unit="MiB">128</memory>
<os><type arch="x86_64">hvm</type></os><features><acpi/></features>
<devices>
<disk type="file"><driver type="raw"/><source file="/usr/share/rdo-guest-image/guest.img"/>
<target dev="vda" bus="virtio"/><readonly/></disk>
<interface type="bridge"><mac address="02:00:00:00:00:07"/><source bridge="br-int"/>
<virtualport type="openvswitch"><parameters interfaceid="{port}"/></virtualport>
<model type="virtio"/></interface>
<serial type="file"><source path="/var/log/libvirt/qemu/console.log"/></serial>
</devices></domain>
"""
PORT = "a2d1ff33-0bba-4a4c-9b47-3c5cf0f20d34"

START = f"set -e\n{NETWORK}cat >guest.xml <<'END'\n{DOMAIN}END\nvirsh create guest.xml".format(
    port=PORT
)
WAIT = """\
for try in $(seq 300); do
    grep -ao 'rdo-guest: lease [^,]*' /var/log/libvirt/qemu/console.log && exit
    sleep 1
done
tail -n5 /var/log/libvirt/qemu/console.log
exit 1
"""
"""Prints what the guest said of its address; it takes 4 s on an idle machine."""
LEASE = "rdo-guest: lease 192.0.2.7/24 on eth0 from 192.0.2.1\n"
