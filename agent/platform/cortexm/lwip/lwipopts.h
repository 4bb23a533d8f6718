/* lwIP without an operating system: one Ethernet interface, DHCP, one TCP connection at a time. */
#ifndef LH_LWIPOPTS_H
#define LH_LWIPOPTS_H
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_IPV6 0
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* waiting for others to object takes seconds */
#define LWIP_ACD 0
#define LWIP_DNS 0
#define LWIP_RAW 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define MEM_ALIGNMENT 4
#define MEM_SIZE LH_LWIP_HEAP_BYTES
#define TCP_MSS 1460
#define TCP_WND (2 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 8
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_PBUF 4
#define MEMP_NUM_UDP_PCB 2
#define MEMP_NUM_TCP_PCB 3
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define TCP_QUEUE_OOSEQ 0
#define ARP_TABLE_SIZE 4
#define ARP_QUEUEING 0
#define PBUF_POOL_SIZE 8
#define PBUF_POOL_BUFSIZE 600
#define LWIP_STATS 0
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_RAND() ((u32_t) lh_network_random())
#ifdef __cplusplus
extern "C"
#endif
unsigned lh_network_random(void);
#endif
