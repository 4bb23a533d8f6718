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
#if defined(LH_SMALL_FRAMES)
/* Datagrams of 576 bytes, which every router takes: a TLS record goes in two or three segments, for buffers of half the
   size. Longer ones are received all the same. */
#define LH_MTU 576
#define MEM_SIZE 2816
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (3 * TCP_MSS)
#define PBUF_POOL_SIZE 7
#define PBUF_POOL_BUFSIZE 304
#else
#define LH_MTU 1500
#define MEM_SIZE 6144
#define TCP_WND (2 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define PBUF_POOL_SIZE 8
#define PBUF_POOL_BUFSIZE 600
#endif
#define TCP_MSS (LH_MTU - 40)
#define TCP_SND_QUEUELEN 8
#define TCP_OVERSIZE 0 /* a write is as long as it will ever be */
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_PBUF 4
#define MEMP_NUM_UDP_PCB 2
#define MEMP_NUM_TCP_PCB 2
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define TCP_QUEUE_OOSEQ 0
#define ARP_TABLE_SIZE 4
#define ARP_QUEUEING 0
#define LWIP_STATS 0
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_RAND() ((u32_t) lh_network_random())
#ifdef __cplusplus
extern "C"
#endif
unsigned lh_network_random(void);
#endif
