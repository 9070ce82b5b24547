import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;
import java.nio.file.*;
import java.util.*;

public class EsNode {
  public static void main(String[] a) throws Exception {
    Path home = Path.of(a[0]).toAbsolutePath();
    Files.createDirectories(home.resolve("config"));
    descriptor(home, "transport-netty4", "org.elasticsearch.transport.netty4.Netty4Plugin");
    descriptor(home, "mini-modules", "MiniModules");
    Settings.Builder s = Settings.builder()
      .put("path.home", home.toString()).put("cluster.name", "test").put("node.name", "n1")
      .put("network.host", "127.0.0.1").put("http.port", a[1]).put("transport.port", a[2])
      .put("discovery.type", "single-node")
      .put("cluster.routing.allocation.disk.threshold_enabled", false);
    for (int i = 3; i < a.length; i++) { int e = a[i].indexOf('='); s.put(a[i].substring(0, e), a[i].substring(e + 1)); }
    LogConfigurator.registerErrorListener();
    LogConfigurator.configureWithoutConfig(Settings.builder().put("logger.level", System.getProperty("es.log", "WARN")).build());
    LogConfigurator.configureESLogging();
    LogConfigurator.setNodeName("n1");
    Environment env = InternalSettingsPreparer.prepareEnvironment(s.build(), Map.of(), home.resolve("config"), () -> "n1");
    PluginsLoader pl = PluginsLoader.createPluginsLoader(
      PluginsLoader.loadModulesBundles(env.modulesDir(), false), Set.of(), Map.of(), false);
    Node node = new Node(env, pl);
    node.start();
    System.out.println("READY"); System.out.flush();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> { try { node.close(); } catch (Exception e) {} }));
    Thread.currentThread().join();
  }
  static void descriptor(Path home, String name, String cls) throws Exception {
    Path d = Files.createDirectories(home.resolve("modules").resolve(name));
    Files.writeString(d.resolve("plugin-descriptor.properties"),
      "description=" + name + "\nversion=1\nname=" + name + "\njava.version=21\nelasticsearch.version="
      + org.elasticsearch.Build.current().version() + "\nclassname=" + cls + "\n");
  }
}
