/*
 * A Vulkan layer whose device is lost for as long as the file exists that TIDEMARK_TEST_DEVICE_LOST names: a real
 * driver's loss, as a driver that hangs or a card that goes away tells it. For one instance and device in a process.
 * The interface: https://vulkan.lunarg.com/doc/view/latest/linux/LoaderLayerInterface.html
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*Function)(void);
typedef Function (*GetFunction)(void *object, const char *name);
typedef int (*CreateInstance)(const void *info, const void *allocator, void **instance);
typedef int (*CreateDevice)(void *physical, const void *info, const void *allocator, void **device);
typedef int (*QueueSubmit)(void *queue, uint32_t count, const void *submits, uint64_t fence);

enum { LOADER_INSTANCE_CREATE_INFO = 47, LOADER_DEVICE_CREATE_INFO = 48, LAYER_LINK_INFO = 0 };
enum { SUCCESS = 0, ERROR_INITIALIZATION_FAILED = -3, ERROR_DEVICE_LOST = -4 };

/* What both kinds of link have in common; the last member is of another meaning in each. */
struct Link {
  struct Link *next;
  GetFunction instance_function;
  GetFunction other_function;
};

struct LinkInfo {
  int type;
  struct LinkInfo *next;
  int function;
  struct Link *link;
};

struct Negotiation {
  int type;
  void *next;
  uint32_t version;
  GetFunction instance_function;
  GetFunction device_function;
  GetFunction physical_function;
};

static GetFunction next_instance_function;
static GetFunction next_device_function;
static void *the_instance;
static QueueSubmit next_submit;

static struct LinkInfo *find_link(const void *create_info, int type) {
  struct LinkInfo *info = ((const struct LinkInfo *)create_info)->next;
  while (info != NULL && !(info->type == type && info->function == LAYER_LINK_INFO)) info = info->next;
  return info;
}

static int create_instance(const void *create_info, const void *allocator, void **instance) {
  struct LinkInfo *info = find_link(create_info, LOADER_INSTANCE_CREATE_INFO);
  if (info == NULL) return ERROR_INITIALIZATION_FAILED;
  next_instance_function = info->link->instance_function;
  info->link = info->link->next;
  CreateInstance create = (CreateInstance)next_instance_function(NULL, "vkCreateInstance");
  int result = create(create_info, allocator, instance);
  if (result == SUCCESS) the_instance = *instance;
  return result;
}

static int create_device(void *physical, const void *create_info, const void *allocator, void **device) {
  struct LinkInfo *info = find_link(create_info, LOADER_DEVICE_CREATE_INFO);
  if (info == NULL) return ERROR_INITIALIZATION_FAILED;
  GetFunction instance_function = info->link->instance_function;
  next_device_function = info->link->other_function;
  info->link = info->link->next;
  CreateDevice create = (CreateDevice)instance_function(the_instance, "vkCreateDevice");
  int result = create(physical, create_info, allocator, device);
  if (result == SUCCESS) next_submit = (QueueSubmit)next_device_function(*device, "vkQueueSubmit");
  return result;
}

static int submit(void *queue, uint32_t count, const void *submits, uint64_t fence) {
  const char *path = getenv("TIDEMARK_TEST_DEVICE_LOST");
  if (path != NULL && access(path, F_OK) == 0) return ERROR_DEVICE_LOST;
  return next_submit(queue, count, submits, fence);
}

static Function device_function(void *device, const char *name) {
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (Function)device_function;
  if (strcmp(name, "vkQueueSubmit") == 0) return (Function)submit;
  return next_device_function(device, name);
}

static Function instance_function(void *instance, const char *name) {
  if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (Function)instance_function;
  if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (Function)device_function;
  if (strcmp(name, "vkCreateInstance") == 0) return (Function)create_instance;
  if (strcmp(name, "vkCreateDevice") == 0) return (Function)create_device;
  if (strcmp(name, "vkQueueSubmit") == 0) return (Function)submit;
  return next_instance_function == NULL ? NULL : next_instance_function(instance, name);
}

int vkNegotiateLoaderLayerInterfaceVersion(struct Negotiation *negotiation) {
  if (negotiation->version > 2) negotiation->version = 2;
  negotiation->instance_function = instance_function;
  negotiation->device_function = device_function;
  negotiation->physical_function = NULL;
  return SUCCESS;
}
